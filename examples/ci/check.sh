#!/usr/bin/env bash
# Runs `stallscope check` as the inputs of action.yml say. They come in the environment, and no shell reads them.
set -euo pipefail

# The lines of a text that are not blank, without the blanks around them, as arguments that each follow an option, if one is given.
arguments=()
add_lines() {
    local line
    while IFS= read -r line; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        if [[ -n $line ]]; then
            arguments+=(${2:+"$2"} "$line")
        fi
    done <<<"$1"
}

# The words of a text. Quotes group them, and nothing else of a shell means anything here.
words=()
split() {
    local at char word='' quote='' begun=''
    for ((at = 0; at < ${#1}; at++)); do
        char=${1:at:1}
        if [[ -n $quote ]]; then
            if [[ $char == "$quote" ]]; then quote=''; else word+=$char; fi
        elif [[ $char == [\'\"] ]]; then
            quote=$char begun=yes
        elif [[ $char != [[:space:]] ]]; then
            word+=$char begun=yes
        elif [[ -n $begun ]]; then
            words+=("$word")
            word='' begun=''
        fi
    done
    if [[ -n $quote ]]; then
        echo "stallscope: a quote ($quote) is not closed in the command: $1" >&2
        exit 2
    fi
    if [[ -n $begun ]]; then words+=("$word"); fi
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
split "${INPUT_COMMAND:-}"
if [[ ${#words[@]} -gt 0 ]]; then
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
