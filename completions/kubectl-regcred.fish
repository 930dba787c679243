# Completion of `kubectl-regcred`, called by that name. For `kubectl regcred` and its namespaces, contexts, Secrets and
# registries there is: kubectl regcred completion install
# Generated from the command line's description: cargo run --example generate -- completions completions
# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_regcred_global_optspecs
    string join \n v/verbose h/help V/version
end

function __fish_kubectl_regcred_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_regcred_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_regcred_using_subcommand
    set -l cmd (__fish_kubectl_regcred_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "login" -d 'Verify a token at its registry and store it in the keychain'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "logout" -d 'Forget a registry\'s token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "list" -d 'List registries, users and uses in the keychain, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "sync" -d 'Write the token to pull Secrets'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "status" -d 'Show what is out of step, and the command that fixes it'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "where" -d 'Show every place of every token, in every context'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "rotate" -d 'Put a new token everywhere, and revoke the old one last'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "docker" -d 'Make docker and podman use the keychain'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "images" -d 'List the images of a registry, and delete those that nobody needs'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "keychain" -d 'Choose the keychain; unlock and lock the vault'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "rbac" -d 'Print the permissions that a command needs in the cluster'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "completion" -d 'Complete `kubectl regcred` with the Tab key'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_needs_command" -f -a "version" -d 'Print the version'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -s u -l username -d 'The user that the token belongs to' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l use -d 'What the token is for' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l token-env -d 'Read the token from this environment variable' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l env-file -d 'Read all three from this file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l scopes -d 'The scopes of the new token' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l token-name -d 'The new token\'s name at Gitea' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l no-verify -d 'Store the token without verifying it at the registry'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l token-stdin -d 'Read the token from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l from-docker -d 'Take over docker\'s or podman\'s credential'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l mint -d 'Create a new token at Gitea'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l password-stdin -d 'Read the account\'s password from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l use -d 'Forget only the token for this use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -s u -l username -d 'The account that the token belongs to' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l revoke -d 'Delete the token at Gitea first'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l revoke-anyway -d 'For a stolen token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l password-stdin -d 'Read the account\'s password from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand list" -s o -l output -d '`wide` adds a column' -r -f -a "wide\t'A table with more columns'
name\t'Each registry once'
json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand list" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s n -l namespace -d 'A namespace to write to' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s l -l selector -d 'Every namespace with these labels' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s f -l file -d 'A list of Secrets (regcred.yaml)' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l deployment -d 'The deployment that the spec.yml is for' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l secret -d 'The Secret\'s name' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l registry -d 'The registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s u -l username -d 'The user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l use -d 'Take the keychain\'s token for this use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l token-env -d 'Read the token from this environment variable' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l env-file -d 'Read all three from this file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l dry-run -d 'Only print what would be done' -r -f -a "none\t'Apply the changes'
client\t'Print what would be sent'
server\t'Send the changes for the API server to check without storing them'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s o -l output -d 'Print the result as a document or as names' -r -f -a "json\t'JSON'
yaml\t'YAML'
name\t'`secret/NAME`'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l actions-secret -d 'Write the token to this secret of Actions at the registry\'s Gitea' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l actions-account -d 'The account that may write it' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l service-account -d 'Attach the Secret to this ServiceAccount' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l wait -d 'Follow their rollouts to the end' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l context -d 'A context of the kubeconfig' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l cluster -d 'The kubeconfig\'s cluster to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l user -d 'The kubeconfig\'s user to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l as -d 'Act as this user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l as-group -d 'Act as a member of this group' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l as-uid -d 'Act as the user with this uid' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s A -l all-namespaces -d 'Every Secret with regcred\'s label'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l token-stdin -d 'Read the token from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l no-verify -d 'Write the token without asking its registry whether it works'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l trust-labels -d 'Write every Secret with the label'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l show-token -d 'Let `--dry-run=client -o yaml` print the token on a terminal'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l force-conflicts -d 'Write Secrets even if another tool owns them'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l take-over -d 'Write Secrets even if they hold a token that works and is another\'s'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l password-stdin -d 'Read that account\'s password from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l rewrite -d 'Write secrets of Actions even if the server took this token before'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l remove -d 'Remove the entries of --registry from the Secrets'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l detach -d 'Remove the Secret from the ServiceAccounts'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l restart -d 'Restart the workloads that use it'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l unstick -d 'Delete pods that are stuck pulling from this registry'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s n -l namespace -d 'A namespace to check' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s l -l selector -d 'Every namespace with these labels' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s f -l file -d 'A list of Secrets (regcred.yaml)' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l deployment -d 'The deployment that the spec.yml is for' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l secret -d 'The Secret\'s name' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l registry -d 'Check only this registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l max-token-age -d 'A token older than this' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s u -l username -d 'With --tokens' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l pod -d 'Explain one pod' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s o -l output -d '`wide` adds columns' -r -f -a "wide\t'A table with more columns'
json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l context -d 'A context of the kubeconfig' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l cluster -d 'The kubeconfig\'s cluster to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l user -d 'The kubeconfig\'s user to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l as -d 'Act as this user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l as-group -d 'Act as a member of this group' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l as-uid -d 'Act as the user with this uid' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s A -l all-namespaces -d 'Every namespace'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l offline -d 'Contact no registry'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l tokens -d 'Show every token that the account has at Gitea'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l password-stdin -d 'Read the account\'s password from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -l context -d 'Look only through this context of the kubeconfig' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -l scan -d 'Also find copies of the tokens in the files and git objects below this folder' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -s o -l output -d '`wide` adds columns' -r -f -a "wide\t'A table with more columns'
json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -l offline -d 'Ask no cluster'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand where" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s u -l username -d 'The new token\'s user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l use -d 'Rotate the token for this use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s n -l namespace -d 'Only this namespace' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s l -l selector -d 'Every namespace with these labels' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s f -l file -d 'A list of Secrets (regcred.yaml)' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l deployment -d 'The deployment that the spec.yml is for' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l secret -d 'The Secret\'s name' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l token-env -d 'Read the token from this environment variable' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l env-file -d 'Read all three from this file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l scopes -d 'The scopes of the new token' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l token-name -d 'The beginning of the new token\'s name at Gitea' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l if-older -d 'Do nothing' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l skip-context -d 'Leave the Secrets of this context as they are' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l skip-namespace -d 'Leave the Secrets of this namespace as they are in every context' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l skip-secret -d 'Leave this Secret as it is in every context' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l actions-account -d 'The account that may write the secrets of Actions that hold the token' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l skip-actions -d 'Leave a secret of Actions as it is' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l skip-search -d 'Do not search this context for other Secrets with the old token' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l dry-run -d 'Only print what would be done' -r -f -a "none\t'Apply the changes'
client\t'Print what would be sent'
server\t'Send the changes for the API server to check without storing them'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s o -l output -d 'Print the result as a document' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l wait -d 'Follow their rollouts to the end' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l context -d 'Only this context' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l cluster -d 'The kubeconfig\'s cluster to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l user -d 'The kubeconfig\'s user to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l as -d 'Act as this user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l as-group -d 'Act as a member of this group' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l as-uid -d 'Act as the user with this uid' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s A -l all-namespaces -d 'Only Secrets with regcred\'s label'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l no-secrets -d 'Rotate the token in the keychain only'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l token-stdin -d 'Read the token from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l mint -d 'Create the new token at Gitea'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l password-stdin -d 'Read the account\'s password from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l keep-old -d 'Do not revoke the token that is no longer used'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l resume -d 'Finish a rotation that was interrupted'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l abort -d 'Go back to the old token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l revoke-anyway -d 'For a stolen token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l force-conflicts -d 'Write Secrets even if another tool owns them'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l restart -d 'Restart the workloads that use it'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l unstick -d 'Delete pods that are stuck pulling from this registry'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and not __fish_seen_subcommand_from setup status remove" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and not __fish_seen_subcommand_from setup status remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and not __fish_seen_subcommand_from setup status remove" -f -a "setup" -d 'Make docker and podman use the keychain, and move their plaintext tokens into it'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and not __fish_seen_subcommand_from setup status remove" -f -a "status" -d 'Show where docker and podman get the credential for each registry, and what is wrong with it'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and not __fish_seen_subcommand_from setup status remove" -f -a "remove" -d 'Undo what setup did to docker\'s and podman\'s files'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -l keep -d 'Keep the keychain\'s or the file\'s credential where they differ' -r -f -a "keychain\t''
file\t''"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -l dry-run -d 'Only print what would be done' -r -f -a "none\t'Apply the changes'
client\t'Print what would be done'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -l default -d 'Let docker ask the keychain for every registry (credsStore)'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -l no-verify -d 'Move tokens without verifying them at their registries'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from status" -s o -l output -d 'Print a document instead of a table' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from remove" -l dry-run -d 'Only print what would be done' -r -f -a "none\t'Apply the changes'
client\t'Print what would be done'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand docker; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and not __fish_seen_subcommand_from list check prune restore" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and not __fish_seen_subcommand_from list check prune restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and not __fish_seen_subcommand_from list check prune restore" -f -a "list" -d 'List images with their tags, size, age and platforms, and where clusters use them'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and not __fish_seen_subcommand_from list check prune restore" -f -a "check" -d 'Check that every node could pull again what runs, and what could be rolled back to'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and not __fish_seen_subcommand_from list check prune restore" -f -a "prune" -d 'Delete old tags that no cluster runs or could roll back to, in two steps'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and not __fish_seen_subcommand_from list check prune restore" -f -a "restore" -d 'Bring back what prune has set aside'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -s o -l output -d '`wide` adds columns and cuts nothing off' -r -f -a "wide\t'A table with more columns'
json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l registry -d 'The registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -s u -l username -d 'The user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l token-env -d 'Read the token from this environment variable' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l env-file -d 'Read all three from this file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l known-as -d 'Another name of the registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l context -d 'A context whose cluster uses the images' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l cluster -d 'The kubeconfig\'s cluster to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l user -d 'The kubeconfig\'s user to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l as -d 'Act as this user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l as-group -d 'Act as a member of this group' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l as-uid -d 'Act as the user with this uid' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l token-stdin -d 'Read the token from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -s n -l namespace -d 'A namespace to check' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -s l -l selector -d 'Every namespace with these labels' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l registry -d 'Check only images of this registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -s o -l output -d 'Print a document instead of text' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l context -d 'A context of the kubeconfig' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l cluster -d 'The kubeconfig\'s cluster to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l user -d 'The kubeconfig\'s user to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l as -d 'Act as this user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l as-group -d 'Act as a member of this group' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l as-uid -d 'Act as the user with this uid' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -s A -l all-namespaces -d 'Every namespace'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l keep -d 'How many tags of each image stay' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l older-than -d 'Only what was pushed before this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l match -d 'Only tags that match' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l exclude -d 'Never tags that match' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l grace -d 'How long it is set aside before a later run deletes it' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l plan -d 'Write the plan to this file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l apply -d 'Do what this plan says' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l dry-run -d 'Only print the plan' -r -f -a "none\t'Apply the changes'
client\t'Print what would be done'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -s o -l output -d 'Print a document instead of text' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l registry -d 'The registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -s u -l username -d 'The user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l token-env -d 'Read the token from this environment variable' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l env-file -d 'Read all three from this file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l known-as -d 'Another name of the registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l context -d 'A context whose cluster uses the images' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l kubeconfig -d 'The kubeconfig file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l cluster -d 'The kubeconfig\'s cluster to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l user -d 'The kubeconfig\'s user to use' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l as -d 'Act as this user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l as-group -d 'Act as a member of this group' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l as-uid -d 'Act as the user with this uid' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l request-timeout -d 'Give up a single request after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l yes -d 'Do it without asking'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l token-stdin -d 'Read the token from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l dry-run -d 'Only say what would be restored' -r -f -a "none\t'Apply the changes'
client\t'Print what would be done'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l registry -d 'The registry' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -s u -l username -d 'The user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l token-env -d 'Read the token from this environment variable' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l env-file -d 'Read all three from this file' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l ca-file -d 'Trust only the certificates of this PEM file for the registry' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l gitea-path -d 'The path under which Gitea is served' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l token-stdin -d 'Read the token from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -l plain-http -d 'Send the token over http'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand images; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -f -a "status" -d 'Show which keychain is in use, why, whether it answers, and what else there is'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -f -a "use" -d 'Choose the desktop\'s keychain or the vault, which is created if there is none'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -f -a "unlock" -d 'Unlock the vault for docker and regcred, until a given time or until reboot'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -f -a "lock" -d 'Lock the vault until its passphrase is given again'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -f -a "passphrase" -d 'Change the vault\'s passphrase'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and not __fish_seen_subcommand_from status use unlock lock passphrase migrate" -f -a "migrate" -d 'Move every credential from the other keychain into the one in use'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from status" -s o -l output -d 'Print a document instead of text' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from use" -l key-file -d 'Open the vault with this file instead of a passphrase' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from use" -l for -d 'Lock it again after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from use" -l passphrase-stdin -d 'Read the passphrase from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from use" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from unlock" -l for -d 'Lock it again after this time' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from unlock" -l key-file -d 'Take the key from this file in place of the passphrase' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from unlock" -l passphrase-stdin -d 'Read the passphrase from standard input'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from unlock" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from lock" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from passphrase" -l passphrase-stdin -d 'Read the old passphrase and'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from passphrase" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from passphrase" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from migrate" -l dry-run -d 'Only say what would be moved' -r -f -a "none\t'Apply the changes'
client\t'Print what would be done'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from migrate" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand keychain; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -s n -l namespace -d 'A namespace to allow it in' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -s l -l selector -d 'As for `sync -l`' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -s f -l file -d 'As for `sync -f`' -r -F
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l deployment -d 'The deployment that the spec.yml is for' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l context -d 'The context' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l secret -d 'The Secret\'s name' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l attach -d 'Attaching the Secret to this ServiceAccount' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l wait -d 'As for `sync --restart --wait`' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l api-group -d 'A group of custom resources to read' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l user -d 'Allow it to this user' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l group -d 'Allow it to this group' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l serviceaccount -d 'Allow it to this ServiceAccount' -r
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -s A -l all-namespaces -d 'As for `sync -A`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l detach -d 'As for `sync --detach`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l remove -d 'As for `sync --remove`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l restart -d 'As for `sync --restart` and `rotate --restart`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l unstick -d 'As for `sync --unstick` and `rotate --unstick`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l rotate -d 'For `rotate`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l keep-old -d 'As for `rotate --keep-old`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l status -d 'For `status`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -l images -d 'For `images`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand rbac" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -f -a "install" -d 'Let kubectl complete `kubectl regcred`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -f -a "status" -d 'Show whether kubectl completes `kubectl regcred`, and if not, why'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -f -a "remove" -d 'Undo `completion install`'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -f -a "bash" -d 'Print the bash script for completing kubectl-regcred itself'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -f -a "zsh" -d 'Print the zsh script for completing kubectl-regcred itself'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -f -a "fish" -d 'Print the fish script for completing kubectl-regcred itself'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and not __fish_seen_subcommand_from install status remove bash zsh fish powershell" -f -a "powershell" -d 'Print the PowerShell script for completing kubectl-regcred itself'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from bash" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from bash" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from zsh" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from zsh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from fish" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from fish" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from powershell" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand completion; and __fish_seen_subcommand_from powershell" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand version" -s o -l output -d 'Print a document instead of a line' -r -f -a "json\t'JSON'
yaml\t'YAML'"
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand version" -s v -l verbose -d 'Print more on stderr, never a token'
complete -c kubectl-regcred -n "__fish_kubectl_regcred_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
