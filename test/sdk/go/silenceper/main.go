// Answers each line on standard input with a line of JSON: the openid that the SDK got, or why it got none.
package main

import (
	"bufio"
	"bytes"
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

	"github.com/silenceper/wechat/v2/officialaccount/material"
	"github.com/silenceper/wechat/v2/officialaccount/message"
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

// oneHost asks the broker for everything, with a virtual token.
func oneHost() {
	// docs:begin silenceper-one-host
	util.SetURIModifier(func(uri string) string {
		return strings.Replace(uri, "https://api.weixin.qq.com", brokerURL, 1)
	})
	account := wechat.NewWechat().GetOfficialAccount(&config.Config{
		AppID: appID, AppSecret: apiKey, UseStableAK: true, Cache: cache.NewMemory(),
	})
	// docs:end

	serve("silenceper/wechat, one host", account.GetUser().GetUserInfo, func(file []byte) ([]byte, error) {
		if err := account.GetCustomerMessageManager().Send(message.NewCustomerTextMessage("o-1", "你好")); err != nil {
			return nil, err
		}
		uploaded, err := account.GetMaterial().MediaUploadFromReader(material.MediaTypeImage, "a.png", bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		url, err := account.GetMaterial().GetMediaURL(uploaded.MediaID)
		if err != nil {
			return nil, err
		}
		return util.HTTPGet(url)
	})
}

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
	if len(os.Args) > 1 {
		oneHost()
		return
	}
	util.SetURIModifier(func(uri string) string {
		return strings.Replace(uri, "https://api.weixin.qq.com", os.Getenv("WECHAT_URL"), 1)
	})
	serve("silenceper/wechat", userInfo, nil)
}

func serve(sdk string, call func(openID string) (*user.Info, error), media func(file []byte) ([]byte, error)) {
	answers := json.NewEncoder(os.Stdout)
	answers.Encode(map[string]string{"sdk": sdk, "version": sdkVersion()})
	file := make([]byte, 512)
	for i := range file {
		file[i] = byte(i)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == "media" {
			if got, err := media(file); err != nil {
				answers.Encode(map[string]string{"error": err.Error()})
			} else {
				answers.Encode(map[string]bool{"same": bytes.Equal(got, file)})
			}
		} else if info, err := call("o-1"); err != nil {
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
