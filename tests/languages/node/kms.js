// Reads a database password, as a service in production would: npm @alicloud/kms20160120.
"use strict";

const { default: Client, GetSecretValueRequest } = require("@alicloud/kms20160120");
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

client
  .getSecretValue(new GetSecretValueRequest({ secretName: "db/password" }), {})
  .then((answer) => console.log(answer.secretData));
