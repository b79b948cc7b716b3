package main

// docs:begin login-go
import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
)

// LoginFailed has the code of the table of errors; Action says what to do.
type LoginFailed struct{ Code, Action string }

func (failed *LoginFailed) Error() string { return failed.Code }

// Login has what the calls below answer; in JSON, names have small letters.
type Login struct {
	URL      string `json:"url,omitempty"`
	Binding  string `json:"binding,omitempty"`
	OpenID   string `json:"openid,omitempty"`
	Session  string `json:"session,omitempty"`
	Snapshot bool   `json:"snapshot,omitempty"`
}

func broker(ctx context.Context, call string, body map[string]string) (login Login, err error) {
	content, err := json.Marshal(body)
	if err != nil {
		return login, err
	}
	request, err := http.NewRequestWithContext(ctx, "POST", os.Getenv("BROKER_URL")+"/login/"+call, bytes.NewReader(content))
	if err != nil {
		return login, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+os.Getenv("BROKER_API_KEY"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return login, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		failed := &LoginFailed{Code: response.Status}
		json.NewDecoder(response.Body).Decode(failed)
		return login, failed
	}
	return login, json.NewDecoder(response.Body).Decode(&login)
}

// Redirect to its URL, with Binding in a cookie.
func begin(ctx context.Context) (Login, error) {
	return broker(ctx, "authorize-url", map[string]string{"app": "shop", "redirect_uri": os.Getenv("REDIRECT_URI")})
}

// With the code and state of the callback and the binding of the cookie.
func end(ctx context.Context, code, state, binding string) (Login, error) {
	return broker(ctx, "exchange", map[string]string{"app": "shop", "code": code, "state": state, "binding": binding})
}

// docs:end
