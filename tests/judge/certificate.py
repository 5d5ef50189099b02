"""Reads a DER certificate with two Python libraries: strict parse, re-encoding equal, serial in range. Exit 1 on an objection."""
import sys

from asn1crypto import x509 as asn1
from cryptography import x509

data = open(sys.argv[1], "rb").read()
certificate = asn1.Certificate.load(data, strict=True)
certificate.native
assert certificate.dump(force=True) == data, "asn1crypto encodes it differently"
parsed = x509.load_der_x509_certificate(data)
for extension in parsed.extensions:
    extension.value
assert 0 < parsed.serial_number < 2**159, "serial number out of range"
