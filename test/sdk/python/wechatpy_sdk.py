import os
from importlib.metadata import version

from serve import serve

APP_ID, API_KEY, BROKER_URL = (os.environ[name] for name in ("APP_ID", "API_KEY", "BROKER_URL"))

# docs:begin wechatpy
from wechatpy import WeChatClient


class BrokerClient(WeChatClient):
    def fetch_access_token(self):
        params = {"grant_type": "client_credential", "appid": self.appid, "secret": API_KEY}
        return self._fetch_access_token(f"{BROKER_URL}/cgi-bin/token", params)


client = BrokerClient(APP_ID, "")
# docs:end

client.API_BASE_URL = os.environ["WECHAT_URL"] + "/cgi-bin/"
serve("wechatpy", version("wechatpy"), lambda: client.user.get("o-1")["openid"])
