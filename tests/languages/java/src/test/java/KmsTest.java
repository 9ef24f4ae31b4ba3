import static org.junit.jupiter.api.Assertions.assertEquals;

import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.kms.model.v20160120.GetSecretValueRequest;
import com.aliyuncs.kms.model.v20160120.PutSecretValueRequest;
import com.aliyuncs.profile.DefaultProfile;
import java.net.HttpURLConnection;
import java.net.URL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each test begins with the fixture file, for the mock is reset before it. */
class KmsTest {
  private final DefaultAcsClient client =
      new DefaultAcsClient(
          DefaultProfile.getProfile(
              "cn-hangzhou",
              System.getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"),
              System.getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")));

  @BeforeEach
  void reset() throws Exception {
    URL url = new URL(System.getenv("KMS_MOCK_URL") + "/_kms_mock/reset");
    HttpURLConnection connection = (HttpURLConnection) url.openConnection();
    connection.setRequestMethod("POST");
    assertEquals(200, connection.getResponseCode());
  }

  @AfterEach
  void close() {
    client.shutdown();
  }

  @Test
  void aChangedPasswordIsRead() throws Exception {
    change("v2", "changed");
    assertEquals("changed", password());
  }

  @Test
  void anotherTestHasChangedNothing() throws Exception {
    change("v2", "other"); // refused if the version v2 of the other test were there
    assertEquals("other", password());
  }

  private void change(String version, String password) throws Exception {
    PutSecretValueRequest request = new PutSecretValueRequest();
    request.setSecretName("db/password");
    request.setVersionId(version);
    request.setSecretData(password);
    client.getAcsResponse(request);
  }

  private String password() throws Exception {
    GetSecretValueRequest request = new GetSecretValueRequest();
    request.setSecretName("db/password");
    return client.getAcsResponse(request).getSecretData();
  }
}
