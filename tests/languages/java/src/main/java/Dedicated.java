import com.aliyun.dkms.gcs.openapi.models.Config;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URL;
import java.nio.charset.StandardCharsets;

/** What both programs need: the gateways of the mock that `kms-mock run` has started, faults, checks. */
final class Dedicated {
  static final String MOCK = System.getenv("KMS_MOCK_URL");
  static final String AES = "key-hzz65f0c1a2aes0000000";
  static final String SIGN = "key-hzz65f0c1a2sign000000";
  static final String OPEN = "key-hzz65f0c1a2open000000";

  /** Protocol and endpoint: the mock's own port in plain text and with TLS, and the real name through the proxy. */
  static final String[][] GATEWAYS = {
    {"http", MOCK.substring("http://".length())},
    {"https", MOCK.substring("http://".length())},
    {"https", "kst-hzz65f0c1a2demo000000.cryptoservice.kms.aliyuncs.com"},
  };

  private Dedicated() {}

  static Config config(String[] gateway, String clientKey) {
    Config config = new Config();
    config.setProtocol(gateway[0]);
    config.setEndpoint(gateway[1]);
    config.setClientKeyFile(System.getenv("CLIENT_KEYS") + "/" + clientKey + ".json");
    config.setPassword("kms-mock-1");
    config.setCaFilePath(System.getenv("KMS_MOCK_CA_FILE"));
    config.setReadTimeout(30000);
    config.setConnectTimeout(30000);
    return config;
  }

  /** Asks for a fault that the client shall get over by trying again. */
  static void throttle(String operation) throws Exception {
    HttpURLConnection call =
        (HttpURLConnection) new URL(MOCK + "/_kms_mock/faults").openConnection(Proxy.NO_PROXY);
    call.setRequestProperty("Content-Type", "application/json");
    call.setDoOutput(true);
    String fault = "{\"operation\": \"" + operation + "\", \"code\": \"Rejected.Throttling\", \"times\": 1}";
    try (OutputStream body = call.getOutputStream()) {
      body.write(fault.getBytes(StandardCharsets.UTF_8));
    }
    check(call.getResponseCode() == 200, "the fault");
  }

  static void check(boolean holds, Object what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
