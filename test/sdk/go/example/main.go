// Answers each line on standard input, a number, with the outcomes of so many concurrent calls.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"

	"example.com/tokenclient"
)

var tokens = tokenclient.New(os.Getenv("BROKER_URL"), os.Getenv("API_KEY"), os.Getenv("APP"))

func main() {
	answers := json.NewEncoder(os.Stdout)
	answers.Encode(map[string]string{"sdk": "examples/go", "version": runtime.Version()})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		count, _ := strconv.Atoi(lines.Text())
		outcomes := make([]string, count)
		var all sync.WaitGroup
		for i := range outcomes {
			all.Add(1)
			go func(i int) {
				defer all.Done()
				outcomes[i] = outcome()
			}(i)
		}
		all.Wait()
		answers.Encode(map[string][]string{"outcomes": outcomes})
	}
}

func outcome() string {
	var openID string
	err := tokens.Call(func(token string) (int, error) {
		response, err := http.Get(os.Getenv("WECHAT_URL") + "/cgi-bin/user/info?openid=o-1&access_token=" + token)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		var answer struct {
			Errcode int
			OpenID  string
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			return 0, err
		}
		if answer.Errcode != 0 {
			return answer.Errcode, fmt.Errorf("errcode %d", answer.Errcode)
		}
		openID = answer.OpenID
		return 0, nil
	})
	if err != nil {
		return err.Error()
	}
	return openID
}
