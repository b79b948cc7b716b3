// Package tokenclient holds the access token that the broker serves, and heals a call that WeChat refused. Standard library only.
package tokenclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const retryAfter = 2 * time.Second

type held struct {
	value                 string
	generation            int64
	askAgainAt, expiresAt time.Time
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
	http             *http.Client
	held             atomic.Pointer[held]
	asking           sync.Mutex // one request to the broker at a time; guards what follows
	lastError        error
	reportedAt       time.Time
	reportHelped     bool
}

func New(brokerURL, apiKey, app string) *Client {
	c := &Client{url: brokerURL, apiKey: apiKey, app: app, http: &http.Client{Timeout: 10 * time.Second}}
	c.held.Store(&held{})
	return c
}

// GetAccessToken returns the token from memory while it is fresh, and to its end while the broker is away.
func (c *Client) GetAccessToken() (string, error) {
	now, h := time.Now(), c.held.Load()
	if now.Before(h.askAgainAt) && now.Before(h.expiresAt) {
		return h.value, nil
	}
	// Whoever still has a living token does not wait for the one who asks for the next.
	if now.Before(h.expiresAt) {
		if !c.asking.TryLock() {
			return h.value, nil
		}
	} else {
		c.asking.Lock()
	}
	defer c.asking.Unlock()
	if h = c.held.Load(); !time.Now().Before(h.askAgainAt) {
		query := url.Values{"app": {c.app}, "min_generation": {fmt.Sprint(h.livingGeneration())}}
		if c.lastError = c.ask(http.MethodGet, "/token?"+query.Encode(), nil); c.lastError != nil {
			c.held.Store(&held{h.value, h.generation, time.Now().Add(retryAfter), h.expiresAt})
		}
	}
	if h = c.held.Load(); time.Now().Before(h.expiresAt) {
		return h.value, nil
	}
	return "", fmt.Errorf("no access token from %s: %w", c.url, c.lastError)
}

// Call runs fn, which returns WeChat's errcode. A token that WeChat refuses is reported, and fn is run once more.
func (c *Client) Call(fn func(token string) (errcode int, err error)) error {
	token, err := c.GetAccessToken()
	if err != nil {
		return err
	}
	errcode, err := fn(token)
	if isDead := errcode == 40001 || errcode == 40014 || errcode == 42001; isDead && c.replace(token, errcode, time.Now()) {
		_, err = fn(c.held.Load().value)
	}
	return err
}

// replace reports the token unless that has been done since it was refused, and tells whether trying again makes sense.
func (c *Client) replace(token string, errcode int, refusedAt time.Time) bool {
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.held.Load().value == token && c.reportedAt.Before(refusedAt) {
		report := map[string]any{"app": c.app, "access_token": token, "errcode": errcode}
		c.reportHelped = c.ask(http.MethodPost, "/token/refresh", report) == nil
		c.reportedAt = time.Now()
	}
	return c.held.Load().value != token || c.reportHelped
}

func (c *Client) ask(method, path string, body any) error {
	startedAt := time.Now()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, c.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.apiKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %s", response.Status)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Generation  int64  `json:"generation"`
		ExpiresIn   int    `json:"expires_in"`
		CacheMaxAge int    `json:"cache_max_age"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Generation >= c.held.Load().livingGeneration() {
		after := func(seconds int) time.Time { return startedAt.Add(time.Duration(seconds) * time.Second) }
		c.held.Store(&held{answer.AccessToken, answer.Generation, after(min(answer.CacheMaxAge, answer.ExpiresIn)), after(answer.ExpiresIn)})
	}
	return nil
}
