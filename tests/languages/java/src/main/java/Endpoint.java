import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.kms.model.v20160120.GetSecretValueRequest;
import com.aliyuncs.kms.model.v20160120.PutSecretValueRequest;
import com.aliyuncs.profile.DefaultProfile;

/** Changes a value and reads it, with the endpoint set: Java aliyun-java-sdk-kms. */
public class Endpoint {
  public static void main(String[] arguments) throws Exception {
    DefaultProfile.addEndpoint("cn-hangzhou", "kms", "127.0.0.1:4588");
    DefaultAcsClient client =
        new DefaultAcsClient(DefaultProfile.getProfile("cn-hangzhou", "x", "y"));
    PutSecretValueRequest change = new PutSecretValueRequest();
    change.setSysProtocol(ProtocolType.HTTP);
    change.setSecretName("app/database-url");
    change.setVersionId("v2");
    change.setSecretData("hunter2");
    client.getAcsResponse(change);
    GetSecretValueRequest request = new GetSecretValueRequest();
    request.setSysProtocol(ProtocolType.HTTP);
    request.setSecretName("app/database-url");
    System.out.println(client.getAcsResponse(request).getSecretData());
    client.shutdown();
  }
}
