#!/bin/sh
# Makes the test certificates anew. Needs OpenSSL 3.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

authority() { # file, name
    key "$scratch/$1.key"
    openssl req -x509 -new -key "$scratch/$1.key" -subj "/CN=$2" -days 36500 \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -out "$1.pem"
}

leaf() { # file, name, alternative names, usage, dates...
    file=$1 name=$2 names=$3 usage=$4
    shift 4
    key "$file.key"
    openssl req -new -key "$file.key" -subj "/CN=$name" -out "$scratch/$file.csr"
    printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' \
        "$usage" "$names" >"$scratch/$file.ext"
    openssl x509 -req -in "$scratch/$file.csr" -CA ca.pem -CAkey "$scratch/ca.key" \
        -set_serial "0x$(openssl rand -hex 8)" -extfile "$scratch/$file.ext" "$@" -out "$file.pem"
}

authority ca 'memoxide test authority'
authority other-ca 'another test authority'
leaf server localhost DNS:localhost,IP:127.0.0.1,IP:::1 serverAuth -days 36500
leaf wrong-name cache.invalid DNS:cache.invalid serverAuth -days 36500
leaf client tester DNS:tester clientAuth -days 36500

# Only `openssl ca` can set a past end date in OpenSSL 3.0.
key expired.key
openssl req -new -key expired.key -subj '/CN=localhost' -out "$scratch/expired.csr"
: >"$scratch/index"
cat >"$scratch/ca.cnf" <<END
[ca]
default_ca = authority
[authority]
database = $scratch/index
new_certs_dir = $scratch
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1
END
openssl ca -batch -notext -config "$scratch/ca.cnf" -cert ca.pem -keyfile "$scratch/ca.key" \
    -startdate 20000101000000Z -enddate 20010101000000Z \
    -in "$scratch/expired.csr" -out expired.pem
