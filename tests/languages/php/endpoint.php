<?php
// Changes a value and reads it, with the endpoint set: Composer's alibabacloud/client.

require __DIR__ . '/vendor/autoload.php';

use AlibabaCloud\Client\AlibabaCloud;

AlibabaCloud::accessKeyClient('x', 'y')->regionId('cn-hangzhou')->asDefaultClient();

AlibabaCloud::rpc()->product('Kms')->version('2016-01-20')->action('PutSecretValue')
    ->host('127.0.0.1:4588')->scheme('http')
    ->options(['query' => ['SecretName' => 'app/database-url', 'VersionId' => 'v2', 'SecretData' => 'hunter2']])
    ->request();
$answer = AlibabaCloud::rpc()->product('Kms')->version('2016-01-20')->action('GetSecretValue')
    ->host('127.0.0.1:4588')->scheme('http')
    ->options(['query' => ['SecretName' => 'app/database-url']])
    ->request();
echo $answer['SecretData'], "\n";
