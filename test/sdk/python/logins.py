import json
import os
import sys

from serve import say

BROKER_URL, REDIRECT_URI = os.environ["BROKER_URL"], os.environ["REDIRECT_URI"]
WEB_APP_ID, MINI_APP_ID = os.environ["WEB_APP_ID"], os.environ["MINI_APP_ID"]

# docs:begin wechatpy-login
from wechatpy import WeChatClient
from wechatpy.client.api import WeChatWxa
from wechatpy.oauth import WeChatOAuth


class BrokerOAuth(WeChatOAuth):
    API_BASE_URL = f"{BROKER_URL}/"


class BrokerWxa(WeChatWxa):
    API_BASE_URL = f"{BROKER_URL}/"


class MiniProgramLogins(WeChatClient):
    wxa = BrokerWxa()


# docs:end

# docs:begin login-python
import os

import requests


class LoginFailed(Exception):
    """Its text is the `code` of the table of errors; `action` says what to do."""

    def __init__(self, problem):
        super().__init__(problem["code"])
        self.action = problem.get("action")


def broker(call, body):
    answer = requests.post(
        f"{os.environ['BROKER_URL']}/login/{call}",
        json=body,
        headers={"Authorization": f"Bearer {os.environ['BROKER_API_KEY']}"},
        timeout=15,
    )
    if not answer.ok:
        raise LoginFailed(answer.json())
    return answer.json() if answer.content else None


def begin():
    """Redirect to `url`, with `binding` in a cookie."""
    return broker("authorize-url", {"app": "shop", "redirect_uri": os.environ["REDIRECT_URI"]})


def end(code, state, binding):
    """With the code and state of the callback and the binding of the cookie."""
    return broker("exchange", {"app": "shop", "code": code, "state": state, "binding": binding})


# docs:end


def web(api_key, code):
    # docs:begin wechatpy-web
    oauth = BrokerOAuth(WEB_APP_ID, api_key, REDIRECT_URI)
    oauth.fetch_access_token(code)
    # docs:end
    nickname = oauth.get_user_info()["nickname"]
    oauth.refresh_access_token(oauth.refresh_token)
    return {"openid": oauth.open_id, "nickname": nickname, "valid": oauth.check_access_token()}


def mini(api_key, code):
    # docs:begin wechatpy-mini
    logins = MiniProgramLogins(MINI_APP_ID, api_key, access_token="unused")
    session = logins.wxa.code_to_session(code)
    # docs:end
    return {"openid": session["openid"], "session_key": session["session_key"]}


commands = {"web": web, "mini": mini, "begin": begin, "end": end}
say({"sdk": "wechatpy"})
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        say(commands[name](*arguments))
    except LoginFailed as failed:
        say({"error": str(failed), "action": failed.action})
    except Exception as error:
        say({"error": repr(error)})
