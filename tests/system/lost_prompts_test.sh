#!/usr/bin/env bash
# lost_prompts_test.sh - messages are only prompts: with every PUB message lost, and then with cad's prompts lost as well, a
# revocation still reaches OCSP and the CRL on time.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/stack.sh"

quickstart --no-demo
stack_env
story_setup
check "an individual submits" individual_submits
check "the individual confirms" individual_confirms
check "the individual fetches" individual_fetches
check "OCSP good" within 60 ocsp_says "$story/person/sign.pem" good

# The followers now listen where nobody publishes.
quickstart --stop >/dev/null
for name in rad crld ocspd; do
	sed -i 's#/bus/events/sock#/bus/events/nobody#' "$home/conf/$name.conf"
	check "$name does not hear the publisher" grep -q bus/events/nobody "$home/conf/$name.conf"
done
database_start >/dev/null 2>&1
services_start
check "operator2 revokes" operator_revokes
check "OCSP revoked without any message" ocsp_revoked
check "CRL revoked without any message" crl_revoked
echo "visible everywhere $(since_revocation) ms after the order"
