package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"
	"k8s.io/client-go/tools/clientcmd"
)

type kubeconfigQuestion struct {
	// Files are paths, in the order of $KUBECONFIG.
	Files   []string `json:"files"`
	Context string   `json:"context"`
	Cluster string   `json:"cluster"`
	User    string   `json:"user"`
}

type kubeconfigAnswer struct {
	Server      string `json:"server"`
	Namespace   string `json:"namespace"`
	ServerName  string `json:"server_name"`
	Insecure    bool   `json:"insecure"`
	Authorities []byte `json:"authorities"`
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
	Token       string `json:"token"`
	Username    string `json:"username"`
	Password    string `json:"password"`
	HasProxy    bool   `json:"has_proxy"`
}

// readKubeconfig follows a context as kubectl does. What client-go reads from files when it connects is read here too.
func readKubeconfig(question kubeconfigQuestion) (kubeconfigAnswer, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: question.Files}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: question.Context}
	overrides.Context.Cluster = question.Cluster
	overrides.Context.AuthInfo = question.User
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	rest, err := config.ClientConfig()
	if err != nil {
		return kubeconfigAnswer{}, err
	}
	namespace, _, err := config.Namespace()
	if err != nil {
		return kubeconfigAnswer{}, err
	}
	return kubeconfigAnswer{
		Server:      rest.Host,
		Namespace:   namespace,
		ServerName:  rest.ServerName,
		Insecure:    rest.Insecure,
		Authorities: rest.CAData,
		Certificate: rest.CertData,
		Key:         rest.KeyData,
		Token:       rest.BearerToken,
		Username:    rest.Username,
		Password:    rest.Password,
		HasProxy:    rest.Proxy != nil,
	}, nil
}

type proxyQuestion struct {
	Server string `json:"server"`
	// The environment's; CGI says whether REQUEST_METHOD is set.
	HTTPProxy  string `json:"http_proxy"`
	HTTPSProxy string `json:"https_proxy"`
	NoProxy    string `json:"no_proxy"`
	CGI        bool   `json:"cgi"`
}

type proxyAnswer struct {
	// Scheme, Host and Port are empty for a direct connection.
	Scheme string `json:"scheme"`
	Host   string `json:"host"`
	Port   string `json:"port"`
}

// chooseProxy decides as net/http does for docker and kubectl.
func chooseProxy(question proxyQuestion) (proxyAnswer, error) {
	server, err := url.Parse(question.Server)
	if err != nil {
		return proxyAnswer{}, err
	}
	config := httpproxy.Config{
		HTTPProxy: question.HTTPProxy, HTTPSProxy: question.HTTPSProxy, NoProxy: question.NoProxy, CGI: question.CGI,
	}
	proxy, err := config.ProxyFunc()(server)
	if err != nil || proxy == nil {
		// In a CGI program that is refused, which net/http reports for each request.
		return proxyAnswer{}, err
	}
	switch proxy.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		// net/http: anything else fails when the connection is made.
		return proxyAnswer{}, errors.New("unknown scheme of a proxy: " + proxy.Scheme)
	}
	return proxyAnswer{proxy.Scheme, proxy.Hostname(), proxy.Port()}, nil
}

type keyPairQuestion struct {
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"`
}

type empty struct{}

// loadKeyPair loads a client certificate as client-go does before it connects.
func loadKeyPair(question keyPairQuestion) (empty, error) {
	_, err := tls.X509KeyPair(question.Certificate, question.Key)
	return empty{}, err
}

// loadAuthorities loads certificate-authority-data as client-go does (transport.rootCertPool).
func loadAuthorities(question textQuestion) (empty, error) {
	if !x509.NewCertPool().AppendCertsFromPEM(question.Text) {
		return empty{}, errors.New("no certificate")
	}
	return empty{}, nil
}

type certificateQuestion struct {
	// Authorities and Chain are PEM; the server's own certificate is the first of the chain.
	Authorities []byte `json:"authorities"`
	Chain       []byte `json:"chain"`
	Name        string `json:"name"`
	// Now is in seconds since 1970.
	Now int64 `json:"now"`
}

// verifyCertificate decides as crypto/tls does in a client's handshake.
func verifyCertificate(question certificateQuestion) (empty, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(question.Authorities) {
		return empty{}, errors.New("no certificate")
	}
	var chain []*x509.Certificate
	for block, rest := pem.Decode(question.Chain); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return empty{}, err
		}
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		return empty{}, errors.New("no certificate of the server")
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		DNSName:       question.Name,
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   time.Unix(question.Now, 0),
	})
	return empty{}, err
}
