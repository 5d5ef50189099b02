"""Reads a DER CRL with two Python libraries; the serials must be unique. Exit 1 on an objection."""
import sys

from asn1crypto import crl as asn1
from cryptography import x509

data = open(sys.argv[1], "rb").read()
crl = asn1.CertificateList.load(data, strict=True)
crl.native
assert crl.dump(force=True) == data, "asn1crypto encodes it differently"
parsed = x509.load_der_x509_crl(data)
serials = [entry.serial_number for entry in parsed]
assert len(serials) == len(set(serials)), "a serial number stands in the list twice"
for entry in parsed:
    assert entry.revocation_date <= parsed.last_update, "a revocation date after thisUpdate"
