#!/usr/bin/env bash
# Installs the command `stallscope` for action.yml. `install.sh key` only says where it will be and what the cache knows it by.
set -euo pipefail

sources=${INPUT_PATH:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
root=$RUNNER_TEMP/stallscope

if [[ ${1:-} == key ]]; then
    # Of all that the build reads, by their names in the sources.
    what=$(cd "$sources" && find . -name target -prune -o -type f \( -name '*.rs' -o -name '*.css' -o -name 'Cargo.*' \) -print0 |
        sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16)
    {
        echo "root=$root"
        echo "key=stallscope-${RUNNER_OS:-}-${ImageOS:-}-${RUNNER_ARCH:-}-$what"
    } >>"$GITHUB_OUTPUT"
    echo "$root/bin" >>"$GITHUB_PATH"
    exit
fi

# The flags of the user's own build are not for this one.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
cargo install --locked --root "$root" --path "$sources/cli"
