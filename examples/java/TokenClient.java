import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Set;
import java.util.function.ToIntFunction;
import java.util.regex.Pattern;

/** Holds the access token that the broker serves, and heals a call that WeChat refused. Java 17, no library. */
public final class TokenClient {
  private static final Set<Integer> DEAD_TOKEN_ERRCODES = Set.of(40001, 40014, 42001);
  private static final long SECOND = 1_000_000_000, TIMEOUT = 10 * SECOND, RETRY = 2 * SECOND;

  /** A call to WeChat, in the way that an SDK has it. */
  @FunctionalInterface
  public interface Call<T, E extends Exception> {
    T with(String token) throws E;
  }

  /** Without the proxy of the JVM's settings, which is for the way out and would be sent the API key. */
  private final HttpClient http = HttpClient.newBuilder()
      .connectTimeout(Duration.ofSeconds(5)).proxy(HttpClient.Builder.NO_PROXY).build();
  private final String url, apiKey, app;
  private volatile String token = "";
  private volatile long generation, freshUntil = System.nanoTime(), expiresAt = freshUntil, reportedAt = freshUntil;
  private volatile boolean reportHelped;
  private volatile Exception error;

  public TokenClient(String url, String apiKey, String app) {
    this.url = url.replaceAll("/+$", "");
    this.apiKey = apiKey;
    this.app = app;
  }

  /** The token, from memory while it is fresh, and to its end while the broker is away. Throws when none lives. */
  public String accessToken() {
    if (isOver(freshUntil) || isOver(expiresAt)) renew();
    if (isOver(expiresAt)) throw new IllegalStateException("no access token from " + url, error);
    return token;
  }

  /** What fn gets from WeChat; a token that WeChat refuses is reported, and fn is run once more. */
  public <T, E extends Exception> T call(Call<T, E> fn, ToIntFunction<T> errcodeOf) throws E {
    return call(fn, errcodeOf, thrown -> 0);
  }

  /** The same where fn throws when WeChat refuses. Both functions return 0 where there is no errcode. */
  public <T, E extends Exception> T call(
      Call<T, E> fn, ToIntFunction<T> errcodeOf, ToIntFunction<Exception> errcodeOfThrown) throws E {
    String first = accessToken();
    try {
      T answer = fn.with(first);
      if (!isReplaced(first, errcodeOf.applyAsInt(answer))) return answer;
    } catch (Exception e) {
      if (!isReplaced(first, errcodeOfThrown.applyAsInt(e))) throw e;
    }
    return fn.with(token);
  }

  private boolean isReplaced(String refused, int errcode) {
    return DEAD_TOKEN_ERRCODES.contains(errcode) && replace(refused, errcode, System.nanoTime());
  }

  /** One request to the broker at a time, and none when another thread has just made it. */
  private synchronized void renew() {
    if (!isOver(freshUntil)) return;
    freshUntil = System.nanoTime() + TIMEOUT + RETRY; // meanwhile others go on with the token at hand
    boolean isAnswered = ask("GET", "/token?app=" + app + "&min_generation=" + livingGeneration(), "");
    if (!isAnswered) freshUntil = System.nanoTime() + RETRY;
  }

  /** Reports a refused token unless that has been done since; tells whether trying again makes sense. */
  private synchronized boolean replace(String refused, int errcode, long refusedAt) {
    if (token.equals(refused) && reportedAt - refusedAt < 0) {
      String report = "{\"app\":\"%s\",\"access_token\":\"%s\",\"errcode\":%d}".formatted(app, refused, errcode);
      reportHelped = ask("POST", "/token/refresh", report);
      reportedAt = System.nanoTime();
    }
    return !token.equals(refused) || reportHelped;
  }

  /** Holds the token that the broker answers with, unless a newer one lives. Tells whether it answered. */
  private boolean ask(String method, String path, String body) {
    long startedAt = System.nanoTime();
    var request = HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofNanos(TIMEOUT))
        .header("Authorization", "Bearer " + apiKey).header("Content-Type", "application/json")
        .method(method, BodyPublishers.ofString(body)).build();
    try {
      var response = http.send(request, BodyHandlers.ofString());
      String answer = response.body();
      if (response.statusCode() != 200) throw new IOException("HTTP " + response.statusCode() + " " + answer);
      long answered = Long.parseLong(field(answer, "generation"));
      if (answered < livingGeneration()) return true;
      // The token before its times: whoever reads without the lock may get a newer one, never a dead one.
      token = field(answer, "access_token");
      generation = answered;
      freshUntil = startedAt + SECOND * Long.parseLong(field(answer, "cache_max_age"));
      expiresAt = startedAt + SECOND * Long.parseLong(field(answer, "expires_in"));
      return true;
    } catch (IOException | InterruptedException e) {
      if (e instanceof InterruptedException) Thread.currentThread().interrupt();
      error = e;
      return false;
    }
  }

  private long livingGeneration() {
    return isOver(expiresAt) ? 0 : generation; // any token is better than a dead one
  }

  private static boolean isOver(long nanoTime) {
    return System.nanoTime() - nanoTime >= 0;
  }

  /** The broker's answer is one flat object, and no value in it has an escape. */
  private static String field(String json, String name) throws IOException {
    var match = Pattern.compile("\"" + name + "\":\"?([^\",}]+)").matcher(json);
    if (!match.find()) throw new IOException("no " + name + " in the broker's answer");
    return match.group(1);
  }
}
