import com.aliyuncs.kms.secretsmanager.client.SecretCacheClient;
import com.aliyuncs.kms.secretsmanager.client.SecretCacheClientBuilder;

/**
 * Reads a database password, configured by the environment alone: Java
 * alibabacloud-secretsmanager-client, which knows https only.
 */
public class SecretsManager {
  public static void main(String[] arguments) throws Exception {
    SecretCacheClient client = SecretCacheClientBuilder.newClient();
    System.out.println(client.getSecretInfo("db/password").getSecretValue());
    client.close();
    System.exit(0); // a thread of the client never ends
  }
}
