import cn.binarywang.wx.miniapp.api.WxMaService;
import cn.binarywang.wx.miniapp.api.impl.WxMaServiceImpl;
import cn.binarywang.wx.miniapp.bean.WxMaJscode2SessionResult;
import cn.binarywang.wx.miniapp.config.impl.WxMaDefaultConfigImpl;
import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;
import me.chanjar.weixin.common.bean.oauth2.WxOAuth2AccessToken;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;

/** Answers each line on standard input, a JSON array of a command and its arguments, with a line of JSON. */
public class WxJavaLogins {
  private static final Gson JSON = new Gson();

  public static void main(String[] args) throws Exception {
    System.out.println(JSON.toJson(Map.of("sdk", "WxJava")));
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null; ) {
      try {
        System.out.println(JSON.toJson(answer(JSON.fromJson(line, String[].class))));
      } catch (BrokerLogin.Failed failed) {
        System.out.println(JSON.toJson(Map.of("error", failed.getMessage(), "action", failed.action)));
      } catch (Exception e) {
        System.out.println(JSON.toJson(Map.of("error", e.toString())));
      }
    }
  }

  private static Object answer(String[] command) throws Exception {
    return switch (command[0]) {
      case "web" -> web(System.getenv("WEB_APP_ID"), command[1], command[2]);
      case "mini" -> mini(System.getenv("MINI_APP_ID"), command[1], command[2]);
      case "begin" -> new BrokerLogin().begin();
      default -> new BrokerLogin().end(command[1], command[2], command[3]);
    };
  }

  private static Object web(String appId, String apiKey, String code) throws Exception {
    var config = new WxMpDefaultConfigImpl();
    config.setAppId(appId);
    config.setSecret(apiKey);
    config.setHostConfig(WxMpHostConfig.builder().apiHost(System.getenv("BROKER_URL")).build());
    WxMpService wechat = new WxMpServiceImpl();
    wechat.setWxMpConfigStorage(config);

    // docs:begin weixin-java-mp-web
    WxOAuth2AccessToken token = wechat.getOAuth2Service().getAccessToken(code);
    // docs:end
    var logins = wechat.getOAuth2Service();
    var nickname = logins.getUserInfo(token, "zh_CN").getNickname();
    token = logins.refreshAccessToken(token.getRefreshToken());
    return Map.of("openid", token.getOpenId(), "nickname", nickname, "valid", logins.validateAccessToken(token));
  }

  private static Object mini(String appId, String apiKey, String code) throws Exception {
    String brokerUrl = System.getenv("BROKER_URL");

    // docs:begin weixin-java-miniapp-mini
    WxMaDefaultConfigImpl config = new WxMaDefaultConfigImpl();
    config.setAppid(appId);
    config.setSecret(apiKey);
    config.setApiHostUrl(brokerUrl);

    WxMaService logins = new WxMaServiceImpl();
    logins.setWxMaConfig(config);
    WxMaJscode2SessionResult session = logins.jsCode2SessionInfo(code);
    // docs:end
    return Map.of("openid", session.getOpenid(), "session_key", session.getSessionKey());
  }
}
