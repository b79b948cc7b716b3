// Package tokenclient holds the access token that the broker serves, and heals a call that WeChat refused. Standard library only.
package tokenclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const timeout, retryAfter = 10 * time.Second, 2 * time.Second

type held struct {
	token                 string
	generation            int64
	freshUntil, expiresAt time.Time
}

// livingGeneration is 0 without a living token, for then any is better.
func (h *held) livingGeneration() int64 {
	if time.Now().Before(h.expiresAt) {
		return h.generation
	}
	return 0
}

// Client is safe for concurrent use.
type Client struct {
	url, apiKey, app string
	http             http.Client
	held             atomic.Pointer[held]
	asking           sync.Mutex // one request to the broker at a time; guards what follows
	askErr           error
	reportedAt       time.Time
	reportErr        error
}

func New(brokerURL, apiKey, app string) *Client {
	c := &Client{url: strings.TrimRight(brokerURL, "/"), apiKey: apiKey, app: app}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the environment's proxy is for the way out; it would be sent the API key
	c.http = http.Client{Timeout: timeout, Transport: transport}
	c.held.Store(&held{})
	return c
}

// GetAccessToken returns the token from memory while it is fresh, and to its end while the broker is away.
func (c *Client) GetAccessToken() (string, error) {
	if h, now := c.held.Load(), time.Now(); now.Before(h.freshUntil) && now.Before(h.expiresAt) {
		return h.token, nil
	}
	c.asking.Lock()
	defer c.asking.Unlock()
	if h := c.held.Load(); !time.Now().Before(h.freshUntil) {
		// Meanwhile others go on with the token at hand.
		c.held.Store(&held{h.token, h.generation, time.Now().Add(timeout + retryAfter), h.expiresAt})
		query := url.Values{"app": {c.app}, "min_generation": {fmt.Sprint(h.livingGeneration())}}
		if c.askErr = c.ask(http.MethodGet, "/token?"+query.Encode(), ""); c.askErr != nil {
			c.held.Store(&held{h.token, h.generation, time.Now().Add(retryAfter), h.expiresAt})
		}
	}
	if h := c.held.Load(); time.Now().Before(h.expiresAt) {
		return h.token, nil
	}
	return "", fmt.Errorf("no access token from %s: %w", c.url, c.askErr)
}

// Call runs fn, which returns WeChat's errcode. A token that WeChat refuses is reported, and fn is run once more.
func (c *Client) Call(fn func(token string) (errcode int, err error)) error {
	token, err := c.GetAccessToken()
	if err != nil {
		return err
	}
	errcode, err := fn(token)
	if isDead := errcode == 40001 || errcode == 40014 || errcode == 42001; isDead && c.replace(token, errcode, time.Now()) {
		_, err = fn(c.held.Load().token)
	}
	return err
}

// Report tells the broker that WeChat refused the token, and returns the one to use instead; the same if there is no other.
func (c *Client) Report(token string, errcode int) (string, error) {
	c.replace(token, errcode, time.Now())
	return c.GetAccessToken()
}

// replace reports the token unless that has been done since it was refused, and tells whether trying again makes sense.
func (c *Client) replace(token string, errcode int, refusedAt time.Time) bool {
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.held.Load().token == token && c.reportedAt.Before(refusedAt) {
		report := fmt.Sprintf(`{"app":%q,"access_token":%q,"errcode":%d}`, c.app, token, errcode)
		c.reportErr = c.ask(http.MethodPost, "/token/refresh", report)
		c.reportedAt = time.Now()
	}
	return c.held.Load().token != token || c.reportErr == nil
}

// ask holds the token that the broker answers with, unless a newer one lives.
func (c *Client) ask(method, path, body string) error {
	startedAt := time.Now()
	request, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = http.Header{"Authorization": {"Bearer " + c.apiKey}, "Content-Type": {"application/json"}}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string        `json:"access_token"`
		Generation  int64         `json:"generation"`
		ExpiresIn   time.Duration `json:"expires_in"`
		CacheMaxAge time.Duration `json:"cache_max_age"`
		Detail      string        `json:"detail"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %s %s %v", response.Status, answer.Detail, err)
	}
	if answer.Generation >= c.held.Load().livingGeneration() {
		freshUntil, expiresAt := startedAt.Add(answer.CacheMaxAge*time.Second), startedAt.Add(answer.ExpiresIn*time.Second)
		c.held.Store(&held{answer.AccessToken, answer.Generation, freshUntil, expiresAt})
	}
	return nil
}
