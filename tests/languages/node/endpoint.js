// Changes a value and reads it, with the endpoint set: npm @alicloud/kms20160120 and @alicloud/pop-core.
"use strict";

const { default: Client, PutSecretValueRequest } = require("@alicloud/kms20160120");
const RPCClient = require("@alicloud/pop-core");
const { Config } = require("@alicloud/rpc-client");

const client = new Client(
  new Config({
    accessKeyId: "x",
    accessKeySecret: "y",
    endpoint: "127.0.0.1:4588",
    regionId: "cn-hangzhou",
    protocol: "http",
    type: "access_key",
  }),
);

const popClient = new RPCClient({
  accessKeyId: "x",
  accessKeySecret: "y",
  endpoint: "http://127.0.0.1:4588",
  apiVersion: "2016-01-20",
});

async function main() {
  const secretName = "app/database-url";
  await client.putSecretValue(new PutSecretValueRequest({ secretName, versionId: "v2", secretData: "hunter2" }), {});
  const answer = await popClient.request("GetSecretValue", { SecretName: secretName });
  console.log(answer.SecretData);
}

main();
