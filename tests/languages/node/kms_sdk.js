// Encrypts and decrypts a password, as a service in production would: npm @alicloud/kms-sdk, which knows https only.
"use strict";

const KmsClient = require("@alicloud/kms-sdk");

const client = new KmsClient({
  endpoint: "kms.cn-hangzhou.aliyuncs.com",
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
});

async function main() {
  const encrypted = await client.encrypt("alias/cards", Buffer.from("hunter2").toString("base64"));
  const decrypted = await client.decrypt(encrypted.CiphertextBlob);
  console.log(Buffer.from(decrypted.Plaintext, "base64").toString());
}

main();
