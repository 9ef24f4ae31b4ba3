#!/usr/bin/env bash
# Everything a test author has, against a standalone `kms-mock serve`, with curl alone: tests/examples/control.sh URL
# The server must be fresh. Ends with 0 if every answer is as expected.
set -eu

base=${1:?usage: control.sh http://127.0.0.1:PORT}

call() { # an operation of KMS: call Action [Name=value…] -> body on stdout
    local action=$1 && shift
    local data=(--data-urlencode "Action=$action" --data-urlencode Version=2016-01-20)
    for pair in "$@"; do data+=(--data-urlencode "$pair"); done
    curl --silent --show-error "${data[@]}" "$base/"
}

tool() { # the control API: tool METHOD path [JSON] -> body on stdout
    local body=()
    if [ $# -gt 2 ]; then body=(--header 'Content-Type: application/json' --data "$3"); fi
    curl --silent --show-error --request "$1" "${body[@]}" "$base/_kms_mock/$2"
}

field() { # the first value of a field of a JSON text on stdin
    grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

expect() { # expect WHAT "text that must be there" "answer"
    case $3 in
    *"$2"*) echo "ok: $1" ;;
    *)
        echo "FAILED: $1" >&2
        echo "  expected: $2" >&2
        echo "  got:      $3" >&2
        exit 1
        ;;
    esac
}

expect 'the server is well' '"status":"ok"' "$(tool GET health)"

# State: add, show (masked), and come back to a checkpoint
tool POST state '{"secrets": [{"name": "db", "value": "hunter2"}]}' >/dev/null
expect 'a secret was added' '"SecretData":"hunter2"' "$(call GetSecretValue SecretName=db)"
expect 'the state names it' '"name":"db"' "$(tool GET state)"
expect 'its value is masked' '"data":"***"' "$(tool GET state)"
point=$(tool POST checkpoints | field id)
call PutSecretValue SecretName=db VersionId=v2 SecretData=second >/dev/null
expect 'the changes in words' 'secret db got version v2' "$(tool GET "checkpoints/$point")"
tool PUT "checkpoints/$point" >/dev/null
expect 'the old value is back' '"SecretData":"hunter2"' "$(call GetSecretValue SecretName=db)"

# Faults: twice throttled, then well; and one that strikes after the work was done
tool POST faults '{"operation": "GetSecretValue", "code": "Rejected.Throttling", "times": 2}' >/dev/null
expect 'throttled' '"Code":"Rejected.Throttling"' "$(call GetSecretValue SecretName=db)"
expect 'throttled again' '"HttpStatus":429' "$(call GetSecretValue SecretName=db)"
expect 'then it works' '"SecretData":"hunter2"' "$(call GetSecretValue SecretName=db)"
expect 'the fault is spent' '"spent":true' "$(tool GET faults)"
tool DELETE faults >/dev/null
tool POST faults '{"operation": "CreateSecret", "code": "InternalFailure", "phase": "after", "times": 1}' >/dev/null
expect 'a failure' '"HttpStatus":500' "$(call CreateSecret SecretName=new VersionId=v1 SecretData=x)"
expect 'that happened all the same' 'Rejected.ResourceExist' "$(call CreateSecret SecretName=new VersionId=v1 SecretData=x)"
tool POST faults '{"operation": "ListKeys", "effect": "reset", "times": 1}' >/dev/null
if call ListKeys >/dev/null 2>&1; then
    expect 'a reset connection' 'no answer' 'an answer'
fi
echo 'ok: a reset connection'

# Calls: what was asked for, what it changed, secrets masked
calls=$(tool GET 'requests?action=CreateSecret')
expect 'the failed call changed something' '"changes":["created secret new"]' "$calls"
expect 'the journal masks secrets' '"SecretData":"***"' "$calls"
tool DELETE requests >/dev/null
expect 'the calls are forgotten' '"requests":[]' "$(tool GET requests)"

# Time: freeze, set, advance; due things happen in order
expect 'a frozen clock' '"now":"2030-01-01T00:00:00Z"' "$(tool PUT clock '{"freeze": true, "set": "2030-01-01T00:00:00Z"}')"
key=$(call CreateKey | field KeyId)
call ScheduleKeyDeletion "KeyId=$key" PendingWindowInDays=7 >/dev/null
call DeleteSecret SecretName=db RecoveryWindowInDays=9 >/dev/null
events=$(tool PUT clock '{"advance": "31d"}' | grep -o '"kind":"[^"]*"' | tr '\n' ' ')
expect 'due things in order' '"kind":"key deleted" "kind":"secret purged" ' "$events"
expect 'the key is gone' 'Forbidden.KeyNotFound' "$(call DescribeKey "KeyId=$key")"
expect 'the secret is gone' 'Forbidden.ResourceNotFound' "$(call GetSecretValue SecretName=db)"

# Reset: back to the fixture files, and to the real clock
tool POST reset >/dev/null
expect 'everything is as at the start' '"TotalCount":0' "$(call ListSecrets)"
expect 'the real time' '"frozen":false' "$(tool GET clock)"

# Strangers: a web page of another origin, a foreign host name, a form
status=$(curl --silent --output /dev/null --write-out '%{http_code}' --request POST --header 'Origin: https://evil.example' "$base/_kms_mock/reset")
expect 'another origin' 403 "$status"
status=$(curl --silent --output /dev/null --write-out '%{http_code}' --request POST --header 'Host: evil.example' "$base/_kms_mock/reset")
expect 'another host' 403 "$status"
status=$(curl --silent --output /dev/null --write-out '%{http_code}' --data 'a=1' "$base/_kms_mock/reset")
expect 'a form' 415 "$status"
echo 'all is as expected'
