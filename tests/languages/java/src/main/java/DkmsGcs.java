import com.aliyun.dkms.gcs.openapi.util.models.RuntimeOptions;
import com.aliyun.dkms.gcs.sdk.Client;
import com.aliyun.dkms.gcs.sdk.models.*;
import com.aliyun.tea.TeaException;
import com.aliyun.tea.TeaUnretryableException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collections;

/** Uses every operation of a KMS instance's gateway, over HTTP and HTTPS: alibabacloud-dkms-gcs-sdk. */
public class DkmsGcs {
  private static final byte[] TEXT = "4111 1111 ü".getBytes(StandardCharsets.UTF_8);
  private static final byte[] AAD = {1, 2, 3};
  private static final String VERSION = "x-kms-migrationkeyversionid";

  private static void useCiphers(Client client) throws Exception {
    RuntimeOptions options = new RuntimeOptions();
    options.setResponseHeaders(Collections.singletonList(VERSION));
    EncryptResponse made =
        client.encryptWithOptions(new EncryptRequest().setKeyId(Dedicated.AES).setPlaintext(TEXT).setAad(AAD), options);
    String version = made.getResponseHeaders().get(VERSION);
    Dedicated.check("00000001-1111-4000-8000-000000000001".equals(version), version); // the initial version
    DecryptRequest request =
        new DecryptRequest().setCiphertextBlob(made.getCiphertextBlob()).setIv(made.getIv()).setAad(AAD);
    request.setRequestHeaders(Collections.singletonMap(VERSION, version));
    Dedicated.check(Arrays.equals(client.decrypt(request).getPlaintext(), TEXT), "Decrypt");
    request.setRequestHeaders(null);
    request.setKeyId("alias/orders");
    Dedicated.check(Arrays.equals(client.decrypt(request).getPlaintext(), TEXT), "Decrypt");
    AdvanceEncryptResponse advanced =
        client.advanceEncrypt(new AdvanceEncryptRequest().setKeyId(Dedicated.AES).setPlaintext(TEXT).setAad(AAD));
    version = advanced.getKeyVersionId();
    Dedicated.check("00000001-1111-4000-8000-000000000002".equals(version), version); // the primary version
    byte[] opened = open(client, advanced.getCiphertextBlob(), AAD);
    Dedicated.check(Arrays.equals(opened, TEXT), "AdvanceDecrypt");
  }

  private static byte[] open(Client client, byte[] blob, byte[] aad) throws Exception {
    return client.advanceDecrypt(new AdvanceDecryptRequest().setCiphertextBlob(blob).setAad(aad)).getPlaintext();
  }

  private static byte[] open(Client client, byte[] blob, byte[] iv, String keyId) throws Exception {
    return client.decrypt(new DecryptRequest().setCiphertextBlob(blob).setIv(iv).setKeyId(keyId)).getPlaintext();
  }

  private static void useDataKeys(Client client) throws Exception {
    String aes = Dedicated.AES;
    GenerateDataKeyResponse made =
        client.generateDataKey(new GenerateDataKeyRequest().setKeyId(aes).setNumberOfBytes(16));
    byte[] opened = open(client, made.getCiphertextBlob(), made.getIv(), aes);
    Dedicated.check(made.getPlaintext().length == 16 && Arrays.equals(opened, made.getPlaintext()), "GenerateDataKey");
    AdvanceGenerateDataKeyResponse advanced =
        client.advanceGenerateDataKey(new AdvanceGenerateDataKeyRequest().setKeyId(aes).setNumberOfBytes(32));
    opened = open(client, advanced.getCiphertextBlob(), null);
    Dedicated.check(Arrays.equals(opened, advanced.getPlaintext()), "AdvanceGenerateDataKey");
    GenerateDataKeyPairResponse pair =
        client.generateDataKeyPair(
            new GenerateDataKeyPairRequest().setKeyId(aes).setKeyPairSpec("EC_P256").setKeyFormat("PEM"));
    opened = open(client, pair.getPrivateKeyCiphertextBlob(), pair.getIv(), aes);
    Dedicated.check(Arrays.equals(opened, pair.getPrivateKeyPlaintext()), "GenerateDataKeyPair");
    client.generateDataKeyPairWithoutPlaintext(
        new GenerateDataKeyPairWithoutPlaintextRequest().setKeyId(aes).setKeyPairSpec("EC_P256").setKeyFormat("DER"));
    AdvanceGenerateDataKeyPairResponse advancedPair =
        client.advanceGenerateDataKeyPair(
            new AdvanceGenerateDataKeyPairRequest().setKeyId(aes).setKeyPairSpec("EC_P256").setKeyFormat("PEM"));
    opened = open(client, advancedPair.getPrivateKeyCiphertextBlob(), null);
    Dedicated.check(Arrays.equals(opened, advancedPair.getPrivateKeyPlaintext()), "AdvanceGenerateDataKeyPair");
    client.advanceGenerateDataKeyPairWithoutPlaintext(
        new AdvanceGenerateDataKeyPairWithoutPlaintextRequest()
            .setKeyId(aes)
            .setKeyPairSpec("EC_P256")
            .setKeyFormat("PEM"));
  }

  private static void useSignatures(Client client) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(TEXT);
    String algorithm = "RSA_PKCS1_SHA_256";
    SignRequest request = new SignRequest().setKeyId(Dedicated.SIGN).setAlgorithm(algorithm);
    byte[] signature = client.sign(request.setMessage(TEXT).setMessageType("RAW")).getSignature();
    VerifyRequest verify = new VerifyRequest().setKeyId(Dedicated.SIGN).setAlgorithm(algorithm);
    verify.setSignature(signature).setMessage(digest).setMessageType("DIGEST");
    Dedicated.check(client.verify(verify).getValue(), "Verify");
    Dedicated.check(!client.verify(verify.setMessageType("RAW")).getValue(), "Verify of another message");
    String publicKey = client.getPublicKey(new GetPublicKeyRequest().setKeyId(Dedicated.SIGN)).getPublicKey();
    Dedicated.check(publicKey.startsWith("-----BEGIN PUBLIC KEY-----"), publicKey);
  }

  private static void checkRefused(Client client, String code) throws Exception {
    try {
      client.generateRandom(new GenerateRandomRequest().setLength(8));
      throw new AssertionError("not refused");
    } catch (TeaUnretryableException error) {
      Dedicated.check(code.equals(((TeaException) error.getCause()).getCode()), error);
    } catch (TeaException error) {
      Dedicated.check(code.equals(error.getCode()), error);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Client client = null;
    for (String[] gateway : Dedicated.GATEWAYS) {
      client = new Client(Dedicated.config(gateway, "good"));
      useCiphers(client);
      useDataKeys(client);
      useSignatures(client);
      checkRefused(new Client(Dedicated.config(gateway, "expired")), "Forbidden.AccessKey");
      checkRefused(new Client(Dedicated.config(gateway, "wrong")), "SignatureNotMatch");
      checkRefused(new Client(Dedicated.config(gateway, "unknown")), "Unauthorized");
    }
    Dedicated.throttle("GenerateRandom");
    byte[] random = client.generateRandom(new GenerateRandomRequest().setLength(8)).getRandom();
    Dedicated.check(random.length == 8, "GenerateRandom");
    System.out.println(client.getSecretValue(new GetSecretValueRequest().setSecretName("db/password")).getSecretData());
    System.exit(0);
  }
}
