import com.aliyun.credentials.Client;
import com.aliyun.kms20160120.models.GetSecretValueRequest;
import com.aliyun.teaopenapi.models.Config;
import java.util.Scanner;

/**
 * Answers each line of its input with a database password, read with the role that its environment gives it: the default
 * chain of credentials-java. With an argument it assumes the role itself.
 */
public class Role {
  static Client find(boolean assume) throws Exception {
    if (!assume) {
      return new Client();
    }
    com.aliyun.credentials.models.Config config = new com.aliyun.credentials.models.Config();
    config.type = "ram_role_arn";
    config.accessKeyId = System.getenv("ALIBABA_CLOUD_ACCESS_KEY_ID");
    config.accessKeySecret = System.getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    config.roleArn = System.getenv("ALIBABA_CLOUD_ROLE_ARN");
    config.roleSessionName = "app";
    return new Client(config);
  }

  public static void main(String[] arguments) throws Exception {
    Config config = new Config().setCredential(find(arguments.length > 0)).setEndpoint("kms.cn-hangzhou.aliyuncs.com");
    com.aliyun.kms20160120.Client client = new com.aliyun.kms20160120.Client(config);
    GetSecretValueRequest request = new GetSecretValueRequest().setSecretName("db/password");
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      lines.nextLine();
      System.out.println(client.getSecretValue(request).getBody().getSecretData());
    }
    System.exit(0); // the credentials library keeps a thread
  }
}
