import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Answers each line on standard input, a number, with the outcomes of so many concurrent calls. */
public class Example {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final TokenClient TOKENS =
      new TokenClient(System.getenv("BROKER_URL"), System.getenv("API_KEY"), System.getenv("APP"));

  public static void main(String[] args) throws Exception {
    System.out.printf("{\"sdk\":\"examples/java\",\"version\":\"%s\"}%n", System.getProperty("java.version"));
    var threads = Executors.newFixedThreadPool(100);
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      var calls = new ArrayList<Future<String>>();
      for (int i = 0; i < Integer.parseInt(line); i++) {
        boolean isThrowing = i % 2 == 1;
        calls.add(threads.submit(() -> outcome(isThrowing)));
      }
      var outcomes = new ArrayList<String>();
      for (var call : calls) outcomes.add('"' + call.get().replaceAll("[\"\\\\\\p{Cntrl}]", "'") + '"');
      System.out.println(outcomes.stream().collect(Collectors.joining(",", "{\"outcomes\":[", "]}")));
    }
    threads.shutdown();
  }

  private static final class Refused extends Exception {
    final int errcode;

    Refused(int errcode) {
      super("errcode " + errcode);
      this.errcode = errcode;
    }
  }

  private static String outcome(boolean isThrowing) {
    try {
      String answer = isThrowing
          ? TOKENS.call(Example::userInfoOrThrow, text -> 0, thrown -> thrown instanceof Refused refused ? refused.errcode : 0)
          : TOKENS.call(Example::userInfo, Example::errcode);
      var openid = Pattern.compile("\"openid\":\"([^\"]+)").matcher(answer);
      return openid.find() ? openid.group(1) : "errcode " + errcode(answer);
    } catch (Exception e) {
      return e + " " + e.getCause();
    }
  }

  private static String userInfoOrThrow(String token) throws Refused {
    String answer = userInfo(token);
    if (errcode(answer) != 0) throw new Refused(errcode(answer));
    return answer;
  }

  private static String userInfo(String token) {
    String url = System.getenv("WECHAT_URL") + "/cgi-bin/user/info?openid=o-1&access_token=" + token;
    try {
      return HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString()).body();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static int errcode(String answer) {
    var errcode = Pattern.compile("\"errcode\":(\\d+)").matcher(answer);
    return errcode.find() ? Integer.parseInt(errcode.group(1)) : 0;
  }
}
