// Answers each line on standard input with a line of JSON: the openid that the SDK got, or why it got none.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"

	// docs:begin silenceper-imports
	"regexp"
	"strconv"

	"example.com/tokenclient" // examples/go
	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/officialaccount/user"
	// docs:end

	"github.com/silenceper/wechat/v2/util"
)

var brokerURL, apiKey, app, appID = os.Getenv("BROKER_URL"), os.Getenv("API_KEY"), os.Getenv("APP"), os.Getenv("APP_ID")

// docs:begin silenceper
var tokens = tokenclient.New(brokerURL, apiKey, app)
var account = wechat.NewWechat().GetOfficialAccount(&config.Config{AppID: appID, Cache: cache.NewMemory()})

func init() {
	account.SetAccessTokenHandle(tokens)
}

// docs:end

// docs:begin silenceper-heal
var errcodePattern = regexp.MustCompile(`errcode=(\d+)`)

func userInfo(openID string) (info *user.Info, err error) {
	err = tokens.Call(func(string) (errcode int, err error) {
		info, err = account.GetUser().GetUserInfo(openID)
		return errcodeOf(err), err
	})
	return
}

func errcodeOf(err error) int {
	if err == nil {
		return 0
	}
	match := errcodePattern.FindStringSubmatch(err.Error())
	if match == nil {
		return 0
	}
	errcode, _ := strconv.Atoi(match[1])
	return errcode
}

// docs:end

func main() {
	util.SetURIModifier(func(uri string) string {
		return strings.Replace(uri, "https://api.weixin.qq.com", os.Getenv("WECHAT_URL"), 1)
	})
	answers := json.NewEncoder(os.Stdout)
	answers.Encode(map[string]string{"sdk": "silenceper/wechat", "version": sdkVersion()})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if info, err := userInfo("o-1"); err != nil {
			answers.Encode(map[string]string{"error": err.Error()})
		} else {
			answers.Encode(map[string]string{"openid": info.OpenID})
		}
	}
}

func sdkVersion() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if strings.HasPrefix(module.Path, "github.com/silenceper/") {
			return module.Version
		}
	}
	return "unknown"
}
