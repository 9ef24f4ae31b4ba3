// Changes a database password and reads it, as a service in production would: npm @alicloud/kms20160120.
"use strict";

const { default: Client, GetSecretValueRequest, PutSecretValueRequest } = require("@alicloud/kms20160120");
const { Config } = require("@alicloud/rpc-client");

const client = new Client(
  new Config({
    accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
    accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
    endpoint: "kms.cn-hangzhou.aliyuncs.com",
    regionId: "cn-hangzhou",
    protocol: "https",
    type: "access_key",
  }),
);

async function main() {
  const secretName = "db/password";
  await client.putSecretValue(new PutSecretValueRequest({ secretName, versionId: "v2", secretData: "hunter2" }), {});
  const answer = await client.getSecretValue(new GetSecretValueRequest({ secretName }), {});
  console.log(answer.secretData);
}

main();
