import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.kms.model.v20160120.GetSecretValueRequest;
import com.aliyuncs.profile.DefaultProfile;

/** Reads a database password, as a service in production would: Java aliyun-java-sdk-kms. */
public class Kms {
  public static void main(String[] arguments) throws Exception {
    DefaultAcsClient client =
        new DefaultAcsClient(
            DefaultProfile.getProfile(
                "cn-hangzhou",
                System.getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"),
                System.getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")));
    GetSecretValueRequest request = new GetSecretValueRequest();
    request.setSecretName("db/password");
    System.out.println(client.getAcsResponse(request).getSecretData());
    client.shutdown();
  }
}
