import io
import os
from importlib.metadata import version

from serve import serve

APP_ID, API_KEY, BROKER_URL = (os.environ[name] for name in ("APP_ID", "API_KEY", "BROKER_URL"))

# docs:begin wechatpy-one-host
from wechatpy import WeChatClient


class BrokerClient(WeChatClient):
    API_BASE_URL = f"{BROKER_URL}/cgi-bin/"

    def fetch_access_token(self):
        params = {"grant_type": "client_credential", "appid": self.appid, "secret": API_KEY}
        return self._fetch_access_token(f"{BROKER_URL}/cgi-bin/token", params)


client = BrokerClient(APP_ID, "")
# docs:end


def media(file):
    client.message.send_text("o-1", "你好")
    image = io.BytesIO(file)
    image.name = "a.png"
    return client.media.download(client.media.upload("image", image)["media_id"]).content


serve("wechatpy, one host", version("wechatpy"), lambda: client.user.get("o-1")["openid"], media)
