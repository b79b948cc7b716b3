// Answers each line on standard input with a line of JSON: the openid that a call with the library's token got.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var brokerURL, apiKey, app = os.Getenv("BROKER_URL"), os.Getenv("API_KEY"), os.Getenv("APP")

// docs:begin golang-oauth2
var config = clientcredentials.Config{ClientID: app, ClientSecret: apiKey, TokenURL: brokerURL + "/oauth2/token"}

// docs:end

// counting counts the requests that the library sends.
type counting struct{ requests int }

func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	c.requests++
	return http.DefaultTransport.RoundTrip(request)
}

func main() {
	asked := &counting{}
	tokens := config.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: asked}))
	answers := json.NewEncoder(os.Stdout)
	answers.Encode(map[string]string{"sdk": "golang.org/x/oauth2", "version": libraryVersion()})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); time.Sleep(50 * time.Millisecond) {
		token, err := tokens.Token()
		if err != nil {
			answers.Encode(map[string]string{"error": err.Error()})
			continue
		}
		openID, err := userInfo(token.AccessToken)
		answers.Encode(map[string]any{"openid": openID, "error": err, "token": token.AccessToken, "token_requests": asked.requests})
	}
}

func userInfo(token string) (string, error) {
	response, err := http.Get(os.Getenv("WECHAT_URL") + "/cgi-bin/user/info?openid=o-1&access_token=" + token)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var user struct {
		OpenID string `json:"openid"`
	}
	return user.OpenID, json.NewDecoder(response.Body).Decode(&user)
}

func libraryVersion() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if strings.HasPrefix(module.Path, "golang.org/x/oauth2") {
			return module.Version
		}
	}
	return "unknown"
}
