import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToIntFunction;
import java.util.regex.Pattern;

/** Holds the access token that the broker serves, and heals a call that WeChat refused. Java 17, no library. */
public final class TokenClient {
  private static final Set<Integer> DEAD_TOKEN_ERRCODES = Set.of(40001, 40014, 42001);
  private static final long RETRY_NANOS = Duration.ofSeconds(2).toNanos();

  /** Times are those of System.nanoTime. */
  private record Held(String value, long generation, long askAgainAt, long expiresAt) {
    boolean isFresh() { return System.nanoTime() - askAgainAt < 0; }
    boolean isAlive() { return System.nanoTime() - expiresAt < 0; }
    long livingGeneration() { return isAlive() ? generation : 0; } // any token is better than a dead one
  }

  /** A call to WeChat, in the way that an SDK has it. */
  @FunctionalInterface
  public interface Call<T, E extends Exception> {
    T with(String token) throws E;
  }

  private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final ReentrantLock asking = new ReentrantLock(); // one request to the broker at a time
  private final String url, apiKey, app;
  private volatile Held held = new Held("", 0, System.nanoTime(), System.nanoTime());
  private volatile Exception error;
  private long reportedAt = System.nanoTime();
  private boolean reportHelped;

  public TokenClient(String url, String apiKey, String app) {
    this.url = url;
    this.apiKey = apiKey;
    this.app = app;
  }

  /** The token, from memory while it is fresh, and to its end while the broker is away. Throws when none lives. */
  public String accessToken() {
    // Whoever still has a living token does not wait for the one who asks for the next.
    if (!held.isFresh() && lock(!held.isAlive())) {
      try {
        if (!held.isFresh()) ask("/token?app=" + app + "&min_generation=" + held.livingGeneration(), null);
      } catch (IOException e) {
        error = e;
        held = new Held(held.value, held.generation, System.nanoTime() + RETRY_NANOS, held.expiresAt);
      } finally {
        asking.unlock();
      }
    }
    if (!held.isAlive()) throw new IllegalStateException("no access token from " + url, error);
    return held.value;
  }

  /** What fn gets from WeChat; a token that WeChat refuses is reported, and fn is run once more. */
  public <T, E extends Exception> T call(Call<T, E> fn, ToIntFunction<T> errcodeOf) throws E {
    return call(fn, errcodeOf, thrown -> 0);
  }

  /** The same where fn throws when WeChat refuses. Both functions return 0 where there is no errcode. */
  public <T, E extends Exception> T call(
      Call<T, E> fn, ToIntFunction<T> errcodeOf, ToIntFunction<Exception> errcodeOfThrown) throws E {
    String token = accessToken();
    try {
      T answer = fn.with(token);
      if (!replace(token, errcodeOf.applyAsInt(answer))) return answer;
    } catch (Exception e) {
      if (!replace(token, errcodeOfThrown.applyAsInt(e))) throw e;
    }
    return fn.with(held.value);
  }

  /** Reports a refused token unless that has been done since; tells whether trying again makes sense. */
  private boolean replace(String token, int errcode) {
    if (!DEAD_TOKEN_ERRCODES.contains(errcode)) return false;
    long refusedAt = System.nanoTime();
    asking.lock();
    try {
      if (held.value.equals(token) && reportedAt - refusedAt < 0) {
        String report = "{\"app\":\"%s\",\"access_token\":\"%s\",\"errcode\":%d}".formatted(app, token, errcode);
        try {
          ask("/token/refresh", report);
          reportHelped = true;
        } catch (IOException e) {
          reportHelped = false;
        }
        reportedAt = System.nanoTime();
      }
      return !held.value.equals(token) || reportHelped;
    } finally {
      asking.unlock();
    }
  }

  private boolean lock(boolean isWaiting) {
    if (!isWaiting) return asking.tryLock();
    asking.lock();
    return true;
  }

  private void ask(String path, String body) throws IOException {
    long startedAt = System.nanoTime();
    var request = HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(10))
        .header("Authorization", "Bearer " + apiKey).header("Content-Type", "application/json")
        .method(body == null ? "GET" : "POST", body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    try {
      var response = http.send(request.build(), BodyHandlers.ofString());
      if (response.statusCode() != 200) throw new IOException("HTTP " + response.statusCode() + " " + response.body());
      String answer = response.body();
      long generation = Long.parseLong(field(answer, "generation"));
      if (generation < held.livingGeneration()) return;
      long expiresIn = Long.parseLong(field(answer, "expires_in"));
      long maxAge = Math.min(Long.parseLong(field(answer, "cache_max_age")), expiresIn);
      held = new Held(field(answer, "access_token"), generation,
          startedAt + Duration.ofSeconds(maxAge).toNanos(), startedAt + Duration.ofSeconds(expiresIn).toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /** The broker's answer is one flat object, and no value in it has an escape. */
  private static String field(String json, String name) throws IOException {
    var match = Pattern.compile("\"" + name + "\":\"?([^\",}]+)").matcher(json);
    if (!match.find()) throw new IOException("no " + name + " in the broker's answer");
    return match.group(1);
  }
}
