#!/usr/bin/env bash
# Runs `stallscope check` as the inputs of action.yml say. They come in the environment, and no shell reads them.
set -euo pipefail

# The lines of a text that are not blank, as arguments that each follow an option, if one is given.
arguments=()
add_lines() {
    local line
    while IFS= read -r line; do
        if [[ -n ${line//[[:space:]]/} ]]; then
            arguments+=(${2:+"$2"} "$line")
        fi
    done <<<"$1"
}

if [[ -n ${INPUT_CONFIG:-} ]]; then
    arguments+=(--config "$INPUT_CONFIG")
fi
add_lines "${INPUT_FAIL_ON:-}" --fail-on
add_lines "${INPUT_ARGUMENTS:-}"

report=$RUNNER_TEMP/stallscope-report.json
sarif=$RUNNER_TEMP/stallscope-report.sarif
rm -f "$report" "$sarif"
arguments+=(-o "$report" -o "$sarif")

add_lines "${INPUT_LOG:-}" --log
if [[ -n ${INPUT_COMMAND:-} ]]; then
    # It knows quotes, and nothing else of a shell.
    xargs printf '%s\0' <<<"$INPUT_COMMAND" >"$RUNNER_TEMP/stallscope-words"
    mapfile -d '' words <"$RUNNER_TEMP/stallscope-words"
    arguments+=(-- "${words[@]}")
fi

code=0
stallscope check "${arguments[@]}" || code=$?
{
    echo "exit-code=$code"
    if [[ -f $report ]]; then echo "report=$report"; fi
    if [[ -f $sarif ]]; then echo "sarif=$sarif"; fi
} >>"$GITHUB_OUTPUT"
exit "$code"
