"""Reads a DER OCSP response: status as wanted, nextUpdate present and later, re-encoding equal. Exit 1 on an objection."""
import sys

from asn1crypto import ocsp as asn1
from cryptography.x509 import ocsp

data = open(sys.argv[1], "rb").read()
answer = ocsp.load_der_ocsp_response(data)
assert answer.certificate_status.name.lower() == sys.argv[2], answer.certificate_status
assert answer.next_update and answer.next_update > answer.this_update, "no nextUpdate"
response = asn1.OCSPResponse.load(data, strict=True)
response.native
assert response.dump(force=True) == data, "asn1crypto encodes it differently"
