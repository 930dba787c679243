// Command oracle says how Go reads what docker, kubectl and kubelet read: the tests compare our own readers with it.
//
// Standard input holds one question per line, standard output gets one answer per line, in the same order; both are
// JSON. A question names its kind in "ask"; bytes are base64, as encoding/json writes a []byte. An answer has either
// "error", in Go's words, or what was read.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
)

// question is one line of standard input: the fields that its kind reads are beside "ask".
type question struct {
	Ask string `json:"ask"`
	raw json.RawMessage
}

// answers holds one function for each kind of question.
var answers = map[string]func(json.RawMessage) (any, error){
	"base64":        answer(decodeBase64),
	"docker-config": answer(readDockerConfig),
	"pull":          answer(lookUpPull),
	"image":         answer(readImage),
	"json":          answer(readJSON),
	"yaml":          answer(readYAML),
	"kubeconfig":    answer(readKubeconfig),
	"proxy":         answer(chooseProxy),
	"key-pair":      answer(loadKeyPair),
	"authorities":   answer(loadAuthorities),
	"certificate":   answer(verifyCertificate),
}

// answer makes the function of one kind: it decodes the question's fields and asks.
func answer[Question, Answer any](ask func(Question) (Answer, error)) func(json.RawMessage) (any, error) {
	return func(raw json.RawMessage) (any, error) {
		var question Question
		if err := json.Unmarshal(raw, &question); err != nil {
			log.Fatalf("oracle: a question that cannot be read: %v", err)
		}
		return ask(question)
	}
}

func main() {
	log.SetFlags(0)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	decoder := json.NewDecoder(in)
	for decoder.More() {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			log.Fatalf("oracle: %v", err)
		}
		var kind question
		if err := json.Unmarshal(raw, &kind); err != nil {
			log.Fatalf("oracle: %v", err)
		}
		ask, ok := answers[kind.Ask]
		if !ok {
			log.Fatalf("oracle: no question of kind %q", kind.Ask)
		}
		reply, err := guarded(ask, raw)
		if err != nil {
			reply = map[string]string{"error": err.Error()}
		}
		if err := encoder.Encode(reply); err != nil {
			log.Fatalf("oracle: %v", err)
		}
		// Whoever asks one question at a time waits for this answer.
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				log.Fatalf("oracle: %v", err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatalf("oracle: %v", err)
	}
}

// guarded turns a panic of the code that is asked into an error: docker or kubectl would have ended too.
func guarded(ask func(json.RawMessage) (any, error), raw json.RawMessage) (reply any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return ask(raw)
}

type base64Question struct {
	Text string `json:"text"`
	// Padded is encoding/base64's StdEncoding, else RawStdEncoding.
	Padded bool `json:"padded"`
}

type bytesAnswer struct {
	Bytes []byte `json:"bytes"`
}

func decodeBase64(question base64Question) (bytesAnswer, error) {
	encoding := base64.RawStdEncoding
	if question.Padded {
		encoding = base64.StdEncoding
	}
	bytes, err := encoding.DecodeString(question.Text)
	return bytesAnswer{bytes}, err
}
