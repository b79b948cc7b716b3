import cn.binarywang.wx.miniapp.api.WxMaService;
import cn.binarywang.wx.miniapp.api.impl.WxMaServiceImpl;
import cn.binarywang.wx.miniapp.bean.WxMaKefuMessage;
import cn.binarywang.wx.miniapp.config.impl.WxMaDefaultConfigImpl;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Properties;

/** Answers each line on standard input with a line of JSON: whom the SDK sent a message, or why it did not. */
public class WxJavaSdk {
  public static void main(String[] args) throws Exception {
    String appId = System.getenv("APP_ID"), apiKey = System.getenv("API_KEY"), brokerUrl = System.getenv("BROKER_URL");

    // docs:begin weixin-java-miniapp
    WxMaDefaultConfigImpl config = new WxMaDefaultConfigImpl();
    config.setAppid(appId);
    config.setSecret(apiKey);
    config.useStableAccessToken(true);
    config.setAccessTokenUrl(brokerUrl + "/cgi-bin/stable_token");

    WxMaService wechat = new WxMaServiceImpl();
    wechat.setWxMaConfig(config);
    // docs:end

    config.setApiHostUrl(System.getenv("WECHAT_URL"));
    System.out.printf("{\"sdk\":\"weixin-java-miniapp\",\"version\":\"%s\"}%n", sdkVersion());
    var lines = new BufferedReader(new InputStreamReader(System.in));
    while (lines.readLine() != null) {
      try {
        wechat.getMsgService().sendKefuMsg(WxMaKefuMessage.newTextBuilder().toUser("o-1").content("hello").build());
        System.out.println("{\"openid\":\"o-1\"}");
      } catch (Exception e) {
        System.out.printf("{\"error\":\"%s\"}%n", e.toString().replaceAll("[\"\\\\\\p{Cntrl}]", "'"));
      }
    }
  }

  private static String sdkVersion() throws Exception {
    String path = "/META-INF/maven/com.github.binarywang/weixin-java-miniapp/pom.properties";
    var properties = new Properties();
    try (var file = WxMaService.class.getResourceAsStream(path)) {
      properties.load(file);
    }
    return properties.getProperty("version");
  }
}
