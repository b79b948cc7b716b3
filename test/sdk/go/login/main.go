// Answers each line on standard input, a JSON array of a command and its arguments, with a line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	miniConfig "github.com/silenceper/wechat/v2/miniprogram/config"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/util"
)

var brokerURL = os.Getenv("BROKER_URL")

// docs:begin silenceper-sns
func init() {
	util.SetURIModifier(func(uri string) string {
		return strings.Replace(uri, "https://api.weixin.qq.com/sns/", brokerURL+"/sns/", 1)
	})
}

// docs:end

func web(apiKey, code string) (map[string]any, error) {
	appID := os.Getenv("WEB_APP_ID")
	// docs:begin silenceper-web
	oauth := wechat.NewWechat().GetOfficialAccount(&config.Config{AppID: appID, AppSecret: apiKey, Cache: cache.NewMemory()}).GetOauth()
	token, err := oauth.GetUserAccessToken(code)
	// docs:end
	if err != nil {
		return nil, err
	}
	info, err := oauth.GetUserInfo(token.AccessToken, token.OpenID, "zh_CN")
	if err != nil {
		return nil, err
	}
	if token, err = oauth.RefreshAccessToken(token.RefreshToken); err != nil {
		return nil, err
	}
	valid, err := oauth.CheckAccessToken(token.AccessToken, token.OpenID)
	return map[string]any{"openid": info.OpenID, "nickname": info.Nickname, "valid": valid}, err
}

func mini(apiKey, code string) (map[string]any, error) {
	appID := os.Getenv("MINI_APP_ID")
	// docs:begin silenceper-mini
	logins := wechat.NewWechat().GetMiniProgram(&miniConfig.Config{AppID: appID, AppSecret: apiKey, Cache: cache.NewMemory()}).GetAuth()
	session, err := logins.Code2Session(code)
	// docs:end
	return map[string]any{"openid": session.OpenID, "session_key": session.SessionKey}, err
}

func answer(arguments []string) (any, error) {
	switch arguments[0] {
	case "web":
		return web(arguments[1], arguments[2])
	case "mini":
		return mini(arguments[1], arguments[2])
	case "begin":
		return begin(context.Background())
	default:
		return end(context.Background(), arguments[1], arguments[2], arguments[3])
	}
}

func main() {
	answers := json.NewEncoder(os.Stdout)
	answers.Encode(map[string]string{"sdk": "silenceper/wechat"})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var arguments []string
		json.Unmarshal(lines.Bytes(), &arguments)
		result, err := answer(arguments)
		var failed *LoginFailed
		if errors.As(err, &failed) {
			answers.Encode(map[string]string{"error": failed.Code, "action": failed.Action})
		} else if err != nil {
			answers.Encode(map[string]string{"error": err.Error()})
		} else {
			answers.Encode(result)
		}
	}
}
