# fish completion for aye: asks `aye __complete` with the words up to the cursor. Made by `aye completions fish`.

function __aye_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string trim --left --chars "'\"" -- "$current")
    set -l option (string match --regex -- '^--[^=]*=' "$plain")
    set -l value (string replace --regex -- '^--[^=]*=' '' "$plain")
    for answer in ($words[1] __complete $words[2..] "$plain" 2>/dev/null)
        switch $answer
            case :files
                string replace --regex -- '^' "$option" (__fish_complete_path "$value")
            case :folders
                string replace --regex -- '^' "$option" (__fish_complete_directories "$value")
            case :hosts
                string replace --regex -- '^' "$option" (__fish_print_hostnames)
            case :users
                string replace --regex -- '^' "$option" (__fish_complete_users)
            case ':command *'
                # The words of the list are counted from 1.
                set -l first (math (string replace ':command ' '' -- $answer) + 1)
                complete -C (string join ' ' -- (string escape -- $words[$first..]) "$current")
            case '*'
                echo $answer
        end
    end
end

complete -c aye -e
complete -c aye -f -a '(__aye_complete)'
