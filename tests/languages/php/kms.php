<?php
// Changes a database password and reads it, as a service in production would: Composer's alibabacloud/client.

require __DIR__ . '/vendor/autoload.php';

use AlibabaCloud\Client\AlibabaCloud;

AlibabaCloud::accessKeyClient(getenv('ALIBABA_CLOUD_ACCESS_KEY_ID'), getenv('ALIBABA_CLOUD_ACCESS_KEY_SECRET'))
    ->regionId('cn-hangzhou')
    ->asDefaultClient();

function kms($action, $parameters)
{
    return AlibabaCloud::rpc()->product('Kms')->version('2016-01-20')->action($action)
        ->host('kms.cn-hangzhou.aliyuncs.com')->scheme('https')
        ->options(['query' => ['SecretName' => 'db/password'] + $parameters])
        ->request();
}

kms('PutSecretValue', ['VersionId' => 'v2', 'SecretData' => 'hunter2']);
echo kms('GetSecretValue', [])['SecretData'], "\n";
