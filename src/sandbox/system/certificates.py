"""A certificate authority for the stand-ins of one machine, and one certificate for all of them."""

from __future__ import annotations

import datetime
import ipaddress
import os
import pathlib
from typing import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AGE = datetime.timedelta(days=3650)


def make(folder: pathlib.Path, names: Sequence[str]) -> None:
    """`ca.pem`, `server.pem` and `server.key` in the folder, for localhost, 127.0.0.1 and these names. The authority's own
    key is thrown away: it signs nothing else."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "circles-infra sandbox")])
    authority = _signed(authority_name, authority_name, authority_key.public_key(), authority_key, [
        (x509.BasicConstraints(ca=True, path_length=0), True)])
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                    *(x509.DNSName(name) for name in names)]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    server = _signed(subject, authority_name, key.public_key(), authority_key, [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.SubjectAlternativeName(alternatives), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), False)])
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    for name, content, mode in (("ca.pem", authority.public_bytes(serialization.Encoding.PEM), 0o644),
                                ("server.pem", server.public_bytes(serialization.Encoding.PEM), 0o644),
                                ("server.key", private, 0o600)):
        path = folder / name
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)


def _signed(subject, issuer, public_key, signing_key, extensions) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
               .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + AGE))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key, hashes.SHA256())
