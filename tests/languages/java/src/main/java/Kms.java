import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.kms.model.v20160120.GetSecretValueRequest;
import com.aliyuncs.kms.model.v20160120.PutSecretValueRequest;
import com.aliyuncs.profile.DefaultProfile;

/** Changes a database password and reads it, as a service in production would: Java aliyun-java-sdk-kms. */
public class Kms {
  public static void main(String[] arguments) throws Exception {
    DefaultAcsClient client =
        new DefaultAcsClient(
            DefaultProfile.getProfile(
                "cn-hangzhou",
                System.getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"),
                System.getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")));
    PutSecretValueRequest change = new PutSecretValueRequest();
    change.setSecretName("db/password");
    change.setVersionId("v2");
    change.setSecretData("hunter2");
    client.getAcsResponse(change);
    GetSecretValueRequest request = new GetSecretValueRequest();
    request.setSecretName("db/password");
    System.out.println(client.getAcsResponse(request).getSecretData());
    client.shutdown();
  }
}
