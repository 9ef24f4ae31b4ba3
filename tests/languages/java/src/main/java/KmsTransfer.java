import com.aliyun.kms.KmsTransferAcsClient;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.IAcsClient;
import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.kms.model.v20160120.*;
import com.aliyuncs.profile.DefaultProfile;
import com.aliyuncs.profile.IClientProfile;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;

/** Imitates the shared gateway on top of a KMS instance's own: kms-transfer-client in dedicated mode. */
public class KmsTransfer {
  private static final String CONTEXT = "{\"b\":\"2\",\"a\":\"é\"}";

  /** Each gateway opens what the other one made. */
  private static void use(IAcsClient maker, IAcsClient opener) throws Exception {
    EncryptRequest encrypt = new EncryptRequest();
    encrypt.setKeyId(Dedicated.AES);
    encrypt.setPlaintext("4111 ü");
    encrypt.setEncryptionContext(CONTEXT);
    DecryptRequest decrypt = new DecryptRequest();
    decrypt.setCiphertextBlob(maker.getAcsResponse(encrypt).getCiphertextBlob());
    decrypt.setEncryptionContext(CONTEXT);
    Dedicated.check("4111 ü".equals(opener.getAcsResponse(decrypt).getPlaintext()), "Decrypt");
    GenerateDataKeyRequest generate = new GenerateDataKeyRequest();
    generate.setKeyId(Dedicated.AES);
    GenerateDataKeyResponse dataKey = maker.getAcsResponse(generate);
    decrypt = new DecryptRequest();
    decrypt.setCiphertextBlob(dataKey.getCiphertextBlob());
    Dedicated.check(dataKey.getPlaintext().equals(opener.getAcsResponse(decrypt).getPlaintext()), "GenerateDataKey");
    byte[] hash = MessageDigest.getInstance("SHA-256").digest("message".getBytes(StandardCharsets.UTF_8));
    String digest = Base64.getEncoder().encodeToString(hash);
    AsymmetricSignRequest sign = new AsymmetricSignRequest();
    sign.setKeyId(Dedicated.SIGN);
    sign.setKeyVersionId("00000002-1111-4000-8000-000000000001");
    sign.setAlgorithm("RSA_PSS_SHA_256");
    sign.setDigest(digest);
    AsymmetricVerifyRequest verify = new AsymmetricVerifyRequest();
    verify.setKeyId(sign.getKeyId());
    verify.setKeyVersionId(sign.getKeyVersionId());
    verify.setAlgorithm(sign.getAlgorithm());
    verify.setDigest(digest);
    verify.setValue(maker.getAcsResponse(sign).getValue());
    Dedicated.check(opener.getAcsResponse(verify).getValue(), "AsymmetricVerify");
    AsymmetricEncryptRequest seal = new AsymmetricEncryptRequest();
    seal.setKeyId(Dedicated.OPEN);
    seal.setKeyVersionId("00000003-1111-4000-8000-000000000001");
    seal.setAlgorithm("RSAES_OAEP_SHA_256");
    seal.setPlaintext(digest);
    AsymmetricDecryptRequest open = new AsymmetricDecryptRequest();
    open.setKeyId(seal.getKeyId());
    open.setKeyVersionId(seal.getKeyVersionId());
    open.setAlgorithm(seal.getAlgorithm());
    open.setCiphertextBlob(maker.getAcsResponse(seal).getCiphertextBlob());
    Dedicated.check(digest.equals(opener.getAcsResponse(open).getPlaintext()), "AsymmetricDecrypt");
  }

  private static IClientProfile profile() {
    return DefaultProfile.getProfile(
        "cn-hangzhou",
        System.getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"),
        System.getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
  }

  public static void main(String[] arguments) throws Exception {
    IAcsClient shared = new DefaultAcsClient(profile());
    IAcsClient client = null;
    GetSecretValueRequest request = new GetSecretValueRequest();
    request.setSecretName("db/password");
    for (String[] gateway : Dedicated.GATEWAYS) {
      client = new KmsTransferAcsClient(profile(), Dedicated.config(gateway, "good"));
      use(client, shared);
      use(shared, client);
      use(client, client);
      try {
        new KmsTransferAcsClient(profile(), Dedicated.config(gateway, "unknown")).getAcsResponse(request);
        throw new AssertionError("not refused");
      } catch (ClientException error) {
        Dedicated.check("InvalidAccessKeyId.NotFound".equals(error.getErrCode()), error);
      }
    }
    Dedicated.throttle("GetSecretValue");
    System.out.println(client.getAcsResponse(request).getSecretData());
    System.exit(0);
  }
}
