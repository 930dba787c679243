package main

import (
	"bytes"
	"encoding/json"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config/configfile"
	core "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"k8s.io/kubernetes/pkg/util/parsers"
	"sigs.k8s.io/yaml"
)

type textQuestion struct {
	Text []byte `json:"text"`
}

type login struct {
	Username      []byte `json:"username"`
	Password      []byte `json:"password"`
	IdentityToken []byte `json:"identity_token,omitempty"`
}

type dockerConfigAnswer struct {
	Auths       map[string]login  `json:"auths"`
	CredsStore  string            `json:"creds_store"`
	CredHelpers map[string]string `json:"cred_helpers"`
}

// readDockerConfig reads config.json as docker's command line does.
func readDockerConfig(question textQuestion) (dockerConfigAnswer, error) {
	config := configfile.New("config.json")
	if err := config.LoadFromReader(bytes.NewReader(question.Text)); err != nil {
		return dockerConfigAnswer{}, err
	}
	auths := map[string]login{}
	for key, entry := range config.AuthConfigs {
		auths[key] = login{[]byte(entry.Username), []byte(entry.Password), []byte(entry.IdentityToken)}
	}
	return dockerConfigAnswer{auths, config.CredentialsStore, config.CredentialHelpers}, nil
}

type pullQuestion struct {
	Image   string `json:"image"`
	Secrets []struct {
		// Type is kubernetes.io/dockerconfigjson where none is given.
		Type core.SecretType `json:"type"`
		Data []byte          `json:"data"`
	} `json:"secrets"`
}

type pullAnswer struct {
	// Logins are what kubelet tries for the image, in its order.
	Logins []login `json:"logins"`
}

// lookUpPull finds a pull's credentials as kubelet does (EnsureImageExists in pkg/kubelet/images and what it calls).
func lookUpPull(question pullQuestion) (pullAnswer, error) {
	repository, _, _, err := parsers.ParseImageName(question.Image)
	if err != nil {
		return pullAnswer{}, err
	}
	var passed []core.Secret
	for _, secret := range question.Secrets {
		kind, key := secret.Type, core.DockerConfigJsonKey
		if kind == "" {
			kind = core.SecretTypeDockerConfigJson
		}
		if kind == core.SecretTypeDockercfg {
			key = core.DockerConfigKey
		}
		passed = append(passed, core.Secret{Type: kind, Data: map[string][]byte{key: secret.Data}})
	}
	keyring, err := secrets.MakeDockerKeyring(passed, &credentialprovider.BasicDockerKeyring{})
	if err != nil {
		return pullAnswer{}, err
	}
	found, _ := keyring.Lookup(repository)
	logins := []login{}
	for _, one := range found {
		logins = append(logins, login{Username: []byte(one.Username), Password: []byte(one.Password)})
	}
	return pullAnswer{logins}, nil
}

type imageQuestion struct {
	Image string `json:"image"`
}

type imageAnswer struct {
	Host       string `json:"host"`
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
	Digest     string `json:"digest"`
}

// readImage reads a reference to an image as kubelet and docker do.
func readImage(question imageQuestion) (imageAnswer, error) {
	named, err := reference.ParseNormalizedNamed(question.Image)
	if err != nil {
		return imageAnswer{}, err
	}
	answer := imageAnswer{Host: reference.Domain(named), Repository: reference.Path(named)}
	if tagged, ok := named.(reference.Tagged); ok {
		answer.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		answer.Digest = digested.Digest().String()
	}
	return answer, nil
}

// valueAnswer is a document's value, whatever it is.
type valueAnswer struct {
	Value any `json:"value"`
}

// readJSON reads a document of any kind with encoding/json.
func readJSON(question textQuestion) (valueAnswer, error) {
	var value any
	err := json.Unmarshal(question.Text, &value)
	return valueAnswer{value}, err
}

// readYAML reads a document of any kind as kubectl reads one.
func readYAML(question textQuestion) (valueAnswer, error) {
	var value any
	err := yaml.Unmarshal(question.Text, &value)
	return valueAnswer{value}, err
}
