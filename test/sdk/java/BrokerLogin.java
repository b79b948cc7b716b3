// docs:begin login-java
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;

class BrokerLogin {
  /** Its message is the code of the table of errors; the action says what to do. */
  static class Failed extends Exception {
    final String action;

    Failed(JsonObject problem) {
      super(problem.get("code").getAsString());
      action = problem.has("action") ? problem.get("action").getAsString() : null;
    }
  }

  private final HttpClient http = HttpClient.newHttpClient();
  private final Gson json = new Gson();

  private JsonObject broker(String call, Map<String, String> body) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(System.getenv("BROKER_URL") + "/login/" + call))
        .timeout(Duration.ofSeconds(15))
        .header("Content-Type", "application/json")
        .header("Authorization", "Bearer " + System.getenv("BROKER_API_KEY"))
        .POST(HttpRequest.BodyPublishers.ofString(json.toJson(body)))
        .build();
    var response = http.send(request, HttpResponse.BodyHandlers.ofString());
    var answer = json.fromJson(response.body(), JsonObject.class);
    if (response.statusCode() != 200) throw new Failed(answer);
    return answer;
  }

  /** Redirect to its `url`, with `binding` in a cookie. */
  JsonObject begin() throws Exception {
    return broker("authorize-url", Map.of("app", "shop", "redirect_uri", System.getenv("REDIRECT_URI")));
  }

  /** With the code and state of the callback and the binding of the cookie. */
  JsonObject end(String code, String state, String binding) throws Exception {
    return broker("exchange", Map.of("app", "shop", "code", code, "state", state, "binding", binding));
  }
}
// docs:end
