import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Properties;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.bean.kefu.WxMpKefuMessage;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;

/** Answers each line on standard input with a line of JSON: the openid that the SDK got, or why it got none. */
public class WxJavaMpSdk {
  public static void main(String[] args) throws Exception {
    String appId = System.getenv("APP_ID"), apiKey = System.getenv("API_KEY"), brokerUrl = System.getenv("BROKER_URL");

    // docs:begin weixin-java-mp
    WxMpDefaultConfigImpl config = new WxMpDefaultConfigImpl();
    config.setAppId(appId);
    config.setSecret(apiKey);
    config.useStableAccessToken(true);
    config.setHostConfig(WxMpHostConfig.builder().apiHost(brokerUrl).build());

    WxMpService wechat = new WxMpServiceImpl();
    wechat.setWxMpConfigStorage(config);
    // docs:end

    System.out.printf("{\"sdk\":\"weixin-java-mp\",\"version\":\"%s\"}%n", sdkVersion());
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null; ) {
      try {
        if (line.equals("media")) {
          System.out.printf("{\"same\":%b}%n", isSameAgain(wechat));
          continue;
        }
        System.out.printf("{\"openid\":\"%s\"}%n", wechat.getUserService().userInfo("o-1").getOpenId());
      } catch (Exception e) {
        System.out.printf("{\"error\":\"%s\"}%n", e.toString().replaceAll("[\"\\\\\\p{Cntrl}]", "'"));
      }
    }
  }

  /** Sends a user a message, uploads a file and downloads it again. */
  private static boolean isSameAgain(WxMpService wechat) throws Exception {
    wechat.getKefuService().sendKefuMessage(WxMpKefuMessage.TEXT().toUser("o-1").content("你好").build());
    byte[] bytes = new byte[512];
    for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) i;
    var file = File.createTempFile("sdk", ".png");
    Files.write(file.toPath(), bytes);
    String mediaId = wechat.getMaterialService().mediaUpload("image", file).getMediaId();
    var downloaded = wechat.getMaterialService().mediaDownload(mediaId);
    boolean isSame = Arrays.equals(Files.readAllBytes(downloaded.toPath()), bytes);
    return file.delete() && downloaded.delete() && isSame;
  }

  private static String sdkVersion() throws Exception {
    String path = "/META-INF/maven/com.github.binarywang/weixin-java-mp/pom.properties";
    var properties = new Properties();
    try (var file = WxMpService.class.getResourceAsStream(path)) {
      properties.load(file);
    }
    return properties.getProperty("version");
  }
}
