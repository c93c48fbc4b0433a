# Completes the commands of manage.py, however it is called.
function __manage_py
    set -l words (commandline -opc)
    for position in (seq (count $words))
        if string match -q '*manage.py' -- $words[$position]
            set -l rest $words[(math $position + 1)..-1]
            test $position -eq (count $words) && set rest
            $words[1..$position] completion -- $rest (commandline -ct) 2>/dev/null
            return
        end
    end
end
for program in manage.py python python3 uv
    complete -c $program -a '(__manage_py)'
end
