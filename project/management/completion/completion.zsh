# Completes the commands of manage.py, however it is called.
_manage_py() {
    local -i position=${words[(i)*manage.py]}
    if ((position >= CURRENT)); then
        _default
        return
    fi
    local -a found
    found=(${(f)"$("${(@)words[1,position]}" completion -- "${(@)words[position+1,CURRENT]}" 2>/dev/null)"})
    compadd -a found || _default
}
(($+functions[compdef])) || { autoload -Uz compinit && compinit -u }
compdef _manage_py manage.py python python3 uv
