// Tokens from hintsign-agent; client authentication for golang.org/x/oauth2.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	agentTimeout  = 10 * time.Second
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// A Request is what is asked of a profile.
type Request struct {
	Profile   string         `json:"profile"`
	Audience  string         `json:"audience,omitempty"`
	Claims    map[string]any `json:"claims,omitempty"`
	Reference string         `json:"reference,omitempty"`
}

// Refused is what the agent says no with. Asking again helps after RetryAfter, unless that is 0.
type Refused struct {
	Name, Message string
	RetryAfter    time.Duration
}

func (r *Refused) Error() string {
	return r.Name + ": " + r.Message
}

// Mint gives a token of the profile.
func Mint(ctx context.Context, request Request) (string, error) {
	call, err := json.Marshal(map[string]any{"method": "io.hintsign.Agent.Mint", "parameters": request})
	if err != nil {
		return "", err
	}
	path := os.Getenv("HINTSIGN_SOCKET")
	if path == "" {
		path = "/run/hintsign/agent.sock"
	}
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	agent, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return "", err
	}
	defer agent.Close()
	deadline, _ := ctx.Deadline()
	agent.SetDeadline(deadline)
	if _, err = agent.Write(append(call, 0)); err != nil {
		return "", err
	}
	text, err := bufio.NewReader(agent).ReadBytes(0)
	if err != nil {
		return "", err
	}
	var reply struct {
		Error      string
		Parameters struct {
			Token, Message string
			RetryAfter     time.Duration `json:"retry_after_ms"`
		}
	}
	if err = json.Unmarshal(text[:len(text)-1], &reply); err == nil && reply.Error != "" {
		err = &Refused{reply.Error, reply.Parameters.Message, reply.Parameters.RetryAfter * time.Millisecond}
	}
	return reply.Parameters.Token, err
}

// A Transport puts a client assertion of its own into each request to one of Endpoints. Others pass
// as they are: the client that x/oauth2 makes for APIs sends its requests this way, too.
type Transport struct {
	Profile, Audience string
	Endpoints         []string
	Base              http.RoundTripper
}

func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if !t.authenticates(request) {
		return t.Base.RoundTrip(request)
	}
	defer request.Body.Close()
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	assertion, err := Mint(request.Context(), Request{Profile: t.Profile, Audience: t.Audience})
	if err != nil {
		return nil, err
	}
	more := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	form := string(body) + "&" + more.Encode()
	request = request.Clone(request.Context())
	// Also for a connection that has gone before anything was sent.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(form)), nil }
	request.Body, _ = request.GetBody()
	request.ContentLength = int64(len(form))
	return t.Base.RoundTrip(request)
}

func (t *Transport) authenticates(request *http.Request) bool {
	for _, endpoint := range t.Endpoints {
		if request.Body != nil && request.URL.String() == endpoint {
			return true
		}
	}
	return false
}
