# Completes the commands of manage.py, however it is called.
_manage_py() {
    local position=0 word
    for word in "${COMP_WORDS[@]:0:COMP_CWORD}"; do
        position=$((position + 1))
        if [[ "$word" == *manage.py ]]; then
            local IFS=$'\n'
            COMPREPLY=($("${COMP_WORDS[@]:0:position}" completion -- \
                "${COMP_WORDS[@]:position:COMP_CWORD-position+1}" 2>/dev/null))
            return
        fi
    done
}
complete -o bashdefault -o default -F _manage_py manage.py python python3 uv
