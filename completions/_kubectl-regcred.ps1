# Completion of `kubectl-regcred`, called by that name. For `kubectl regcred` and its namespaces, contexts, Secrets and
# registries there is: kubectl regcred completion install
# Generated from the command line's description: cargo run --example generate -- completions completions
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'kubectl-regcred' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'kubectl-regcred'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'kubectl-regcred' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Verify a token at its registry and store it in the keychain')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Forget a registry''s token')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List registries, users and uses in the keychain, never a token')
            [CompletionResult]::new('sync', 'sync', [CompletionResultType]::ParameterValue, 'Write the token to pull Secrets')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what is out of step, and the command that fixes it')
            [CompletionResult]::new('where', 'where', [CompletionResultType]::ParameterValue, 'Show every place of every token, in every context')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Put a new token everywhere, and revoke the old one last')
            [CompletionResult]::new('docker', 'docker', [CompletionResultType]::ParameterValue, 'Make docker and podman use the keychain')
            [CompletionResult]::new('images', 'images', [CompletionResultType]::ParameterValue, 'List the images of a registry, and delete those that nobody needs')
            [CompletionResult]::new('keychain', 'keychain', [CompletionResultType]::ParameterValue, 'Choose the keychain; unlock and lock the vault')
            [CompletionResult]::new('rbac', 'rbac', [CompletionResultType]::ParameterValue, 'Print the permissions that a command needs in the cluster')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Complete `kubectl regcred` with the Tab key')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            break
        }
        'kubectl-regcred;login' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user that the token belongs to')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The user that the token belongs to')
            [CompletionResult]::new('--use', '--use', [CompletionResultType]::ParameterName, 'What the token is for')
            [CompletionResult]::new('--token-env', '--token-env', [CompletionResultType]::ParameterName, 'Read the token from this environment variable')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read all three from this file')
            [CompletionResult]::new('--scopes', '--scopes', [CompletionResultType]::ParameterName, 'The scopes of the new token')
            [CompletionResult]::new('--token-name', '--token-name', [CompletionResultType]::ParameterName, 'The new token''s name at Gitea')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--no-verify', '--no-verify', [CompletionResultType]::ParameterName, 'Store the token without verifying it at the registry')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'Read the token from standard input')
            [CompletionResult]::new('--from-docker', '--from-docker', [CompletionResultType]::ParameterName, 'Take over docker''s or podman''s credential')
            [CompletionResult]::new('--mint', '--mint', [CompletionResultType]::ParameterName, 'Create a new token at Gitea')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the account''s password from standard input')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;logout' {
            [CompletionResult]::new('--use', '--use', [CompletionResultType]::ParameterName, 'Forget only the token for this use')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The account that the token belongs to')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The account that the token belongs to')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('--revoke', '--revoke', [CompletionResultType]::ParameterName, 'Delete the token at Gitea first')
            [CompletionResult]::new('--revoke-anyway', '--revoke-anyway', [CompletionResultType]::ParameterName, 'For a stolen token')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the account''s password from standard input')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, '`wide` adds a column')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, '`wide` adds a column')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;sync' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'A namespace to write to')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'A namespace to write to')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A list of Secrets (regcred.yaml)')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'A list of Secrets (regcred.yaml)')
            [CompletionResult]::new('--deployment', '--deployment', [CompletionResultType]::ParameterName, 'The deployment that the spec.yml is for')
            [CompletionResult]::new('--secret', '--secret', [CompletionResultType]::ParameterName, 'The Secret''s name')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'The registry')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--use', '--use', [CompletionResultType]::ParameterName, 'Take the keychain''s token for this use')
            [CompletionResult]::new('--token-env', '--token-env', [CompletionResultType]::ParameterName, 'Read the token from this environment variable')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read all three from this file')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the result as a document or as names')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the result as a document or as names')
            [CompletionResult]::new('--actions-secret', '--actions-secret', [CompletionResultType]::ParameterName, 'Write the token to this secret of Actions at the registry''s Gitea')
            [CompletionResult]::new('--actions-account', '--actions-account', [CompletionResultType]::ParameterName, 'The account that may write it')
            [CompletionResult]::new('--service-account', '--service-account', [CompletionResultType]::ParameterName, 'Attach the Secret to this ServiceAccount')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Follow their rollouts to the end')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A context of the kubeconfig')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The kubeconfig''s cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The kubeconfig''s user to use')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Act as this user')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Act as a member of this group')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'Act as the user with this uid')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Every Secret with regcred''s label')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Every Secret with regcred''s label')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'Read the token from standard input')
            [CompletionResult]::new('--no-verify', '--no-verify', [CompletionResultType]::ParameterName, 'Write the token without asking its registry whether it works')
            [CompletionResult]::new('--trust-labels', '--trust-labels', [CompletionResultType]::ParameterName, 'Write every Secret with the label')
            [CompletionResult]::new('--show-token', '--show-token', [CompletionResultType]::ParameterName, 'Let `--dry-run=client -o yaml` print the token on a terminal')
            [CompletionResult]::new('--force-conflicts', '--force-conflicts', [CompletionResultType]::ParameterName, 'Write Secrets even if another tool owns them')
            [CompletionResult]::new('--take-over', '--take-over', [CompletionResultType]::ParameterName, 'Write Secrets even if they hold a token that works and is another''s')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read that account''s password from standard input')
            [CompletionResult]::new('--rewrite', '--rewrite', [CompletionResultType]::ParameterName, 'Write secrets of Actions even if the server took this token before')
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'Remove the entries of --registry from the Secrets')
            [CompletionResult]::new('--detach', '--detach', [CompletionResultType]::ParameterName, 'Remove the Secret from the ServiceAccounts')
            [CompletionResult]::new('--restart', '--restart', [CompletionResultType]::ParameterName, 'Restart the workloads that use it')
            [CompletionResult]::new('--unstick', '--unstick', [CompletionResultType]::ParameterName, 'Delete pods that are stuck pulling from this registry')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;status' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'A namespace to check')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'A namespace to check')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A list of Secrets (regcred.yaml)')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'A list of Secrets (regcred.yaml)')
            [CompletionResult]::new('--deployment', '--deployment', [CompletionResultType]::ParameterName, 'The deployment that the spec.yml is for')
            [CompletionResult]::new('--secret', '--secret', [CompletionResultType]::ParameterName, 'The Secret''s name')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'Check only this registry')
            [CompletionResult]::new('--max-token-age', '--max-token-age', [CompletionResultType]::ParameterName, 'A token older than this')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'With --tokens')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'With --tokens')
            [CompletionResult]::new('--pod', '--pod', [CompletionResultType]::ParameterName, 'Explain one pod')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, '`wide` adds columns')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, '`wide` adds columns')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A context of the kubeconfig')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The kubeconfig''s cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The kubeconfig''s user to use')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Act as this user')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Act as a member of this group')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'Act as the user with this uid')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Every namespace')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Every namespace')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Contact no registry')
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'Show every token that the account has at Gitea')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the account''s password from standard input')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;where' {
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Look only through this context of the kubeconfig')
            [CompletionResult]::new('--scan', '--scan', [CompletionResultType]::ParameterName, 'Also find copies of the tokens in the files and git objects below this folder')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, '`wide` adds columns')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, '`wide` adds columns')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Ask no cluster')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;rotate' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The new token''s user')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The new token''s user')
            [CompletionResult]::new('--use', '--use', [CompletionResultType]::ParameterName, 'Rotate the token for this use')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only this namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Only this namespace')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A list of Secrets (regcred.yaml)')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'A list of Secrets (regcred.yaml)')
            [CompletionResult]::new('--deployment', '--deployment', [CompletionResultType]::ParameterName, 'The deployment that the spec.yml is for')
            [CompletionResult]::new('--secret', '--secret', [CompletionResultType]::ParameterName, 'The Secret''s name')
            [CompletionResult]::new('--token-env', '--token-env', [CompletionResultType]::ParameterName, 'Read the token from this environment variable')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read all three from this file')
            [CompletionResult]::new('--scopes', '--scopes', [CompletionResultType]::ParameterName, 'The scopes of the new token')
            [CompletionResult]::new('--token-name', '--token-name', [CompletionResultType]::ParameterName, 'The beginning of the new token''s name at Gitea')
            [CompletionResult]::new('--if-older', '--if-older', [CompletionResultType]::ParameterName, 'Do nothing')
            [CompletionResult]::new('--skip-context', '--skip-context', [CompletionResultType]::ParameterName, 'Leave the Secrets of this context as they are')
            [CompletionResult]::new('--skip-namespace', '--skip-namespace', [CompletionResultType]::ParameterName, 'Leave the Secrets of this namespace as they are in every context')
            [CompletionResult]::new('--skip-secret', '--skip-secret', [CompletionResultType]::ParameterName, 'Leave this Secret as it is in every context')
            [CompletionResult]::new('--actions-account', '--actions-account', [CompletionResultType]::ParameterName, 'The account that may write the secrets of Actions that hold the token')
            [CompletionResult]::new('--skip-actions', '--skip-actions', [CompletionResultType]::ParameterName, 'Leave a secret of Actions as it is')
            [CompletionResult]::new('--skip-search', '--skip-search', [CompletionResultType]::ParameterName, 'Do not search this context for other Secrets with the old token')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print the result as a document')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print the result as a document')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Follow their rollouts to the end')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Only this context')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The kubeconfig''s cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The kubeconfig''s user to use')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Act as this user')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Act as a member of this group')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'Act as the user with this uid')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Only Secrets with regcred''s label')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Only Secrets with regcred''s label')
            [CompletionResult]::new('--no-secrets', '--no-secrets', [CompletionResultType]::ParameterName, 'Rotate the token in the keychain only')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'Read the token from standard input')
            [CompletionResult]::new('--mint', '--mint', [CompletionResultType]::ParameterName, 'Create the new token at Gitea')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the account''s password from standard input')
            [CompletionResult]::new('--keep-old', '--keep-old', [CompletionResultType]::ParameterName, 'Do not revoke the token that is no longer used')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Finish a rotation that was interrupted')
            [CompletionResult]::new('--abort', '--abort', [CompletionResultType]::ParameterName, 'Go back to the old token')
            [CompletionResult]::new('--revoke-anyway', '--revoke-anyway', [CompletionResultType]::ParameterName, 'For a stolen token')
            [CompletionResult]::new('--force-conflicts', '--force-conflicts', [CompletionResultType]::ParameterName, 'Write Secrets even if another tool owns them')
            [CompletionResult]::new('--restart', '--restart', [CompletionResultType]::ParameterName, 'Restart the workloads that use it')
            [CompletionResult]::new('--unstick', '--unstick', [CompletionResultType]::ParameterName, 'Delete pods that are stuck pulling from this registry')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;docker' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('setup', 'setup', [CompletionResultType]::ParameterValue, 'Make docker and podman use the keychain, and move their plaintext tokens into it')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show where docker and podman get the credential for each registry, and what is wrong with it')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Undo what setup did to docker''s and podman''s files')
            break
        }
        'kubectl-regcred;docker;setup' {
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep the keychain''s or the file''s credential where they differ')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--default', '--default', [CompletionResultType]::ParameterName, 'Let docker ask the keychain for every registry (credsStore)')
            [CompletionResult]::new('--no-verify', '--no-verify', [CompletionResultType]::ParameterName, 'Move tokens without verifying them at their registries')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;docker;status' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print a document instead of a table')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print a document instead of a table')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;docker;remove' {
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print what would be done')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;images' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List images with their tags, size, age and platforms, and where clusters use them')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check that every node could pull again what runs, and what could be rolled back to')
            [CompletionResult]::new('prune', 'prune', [CompletionResultType]::ParameterValue, 'Delete old tags that no cluster runs or could roll back to, in two steps')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Bring back what prune has set aside')
            break
        }
        'kubectl-regcred;images;list' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, '`wide` adds columns and cuts nothing off')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, '`wide` adds columns and cuts nothing off')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'The registry')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--token-env', '--token-env', [CompletionResultType]::ParameterName, 'Read the token from this environment variable')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read all three from this file')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--known-as', '--known-as', [CompletionResultType]::ParameterName, 'Another name of the registry')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A context whose cluster uses the images')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The kubeconfig''s cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The kubeconfig''s user to use')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Act as this user')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Act as a member of this group')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'Act as the user with this uid')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'Read the token from standard input')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;images;check' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'A namespace to check')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'A namespace to check')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Every namespace with these labels')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'Check only images of this registry')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print a document instead of text')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print a document instead of text')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A context of the kubeconfig')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The kubeconfig''s cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The kubeconfig''s user to use')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Act as this user')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Act as a member of this group')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'Act as the user with this uid')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Every namespace')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'Every namespace')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;images;prune' {
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'How many tags of each image stay')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Only what was pushed before this time')
            [CompletionResult]::new('--match', '--match', [CompletionResultType]::ParameterName, 'Only tags that match')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'Never tags that match')
            [CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'How long it is set aside before a later run deletes it')
            [CompletionResult]::new('--plan', '--plan', [CompletionResultType]::ParameterName, 'Write the plan to this file')
            [CompletionResult]::new('--apply', '--apply', [CompletionResultType]::ParameterName, 'Do what this plan says')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only print the plan')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print a document instead of text')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print a document instead of text')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'The registry')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--token-env', '--token-env', [CompletionResultType]::ParameterName, 'Read the token from this environment variable')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read all three from this file')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--known-as', '--known-as', [CompletionResultType]::ParameterName, 'Another name of the registry')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A context whose cluster uses the images')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'The kubeconfig''s cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The kubeconfig''s user to use')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Act as this user')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Act as a member of this group')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'Act as the user with this uid')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Give up a single request after this time')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do it without asking')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'Read the token from standard input')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;images;restore' {
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be restored')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'The registry')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'The user')
            [CompletionResult]::new('--token-env', '--token-env', [CompletionResultType]::ParameterName, 'Read the token from this environment variable')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read all three from this file')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust only the certificates of this PEM file for the registry')
            [CompletionResult]::new('--gitea-path', '--gitea-path', [CompletionResultType]::ParameterName, 'The path under which Gitea is served')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'Read the token from standard input')
            [CompletionResult]::new('--plain-http', '--plain-http', [CompletionResultType]::ParameterName, 'Send the token over http')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;keychain' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show which keychain is in use, why, whether it answers, and what else there is')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Choose the desktop''s keychain or the vault, which is created if there is none')
            [CompletionResult]::new('unlock', 'unlock', [CompletionResultType]::ParameterValue, 'Unlock the vault for docker and regcred, until a given time or until reboot')
            [CompletionResult]::new('lock', 'lock', [CompletionResultType]::ParameterValue, 'Lock the vault until its passphrase is given again')
            [CompletionResult]::new('passphrase', 'passphrase', [CompletionResultType]::ParameterValue, 'Change the vault''s passphrase')
            [CompletionResult]::new('migrate', 'migrate', [CompletionResultType]::ParameterValue, 'Move every credential from the other keychain into the one in use')
            break
        }
        'kubectl-regcred;keychain;status' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print a document instead of text')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print a document instead of text')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;keychain;use' {
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Open the vault with this file instead of a passphrase')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Lock it again after this time')
            [CompletionResult]::new('--passphrase-stdin', '--passphrase-stdin', [CompletionResultType]::ParameterName, 'Read the passphrase from standard input')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;keychain;unlock' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Lock it again after this time')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'Take the key from this file in place of the passphrase')
            [CompletionResult]::new('--passphrase-stdin', '--passphrase-stdin', [CompletionResultType]::ParameterName, 'Read the passphrase from standard input')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;keychain;lock' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;keychain;passphrase' {
            [CompletionResult]::new('--passphrase-stdin', '--passphrase-stdin', [CompletionResultType]::ParameterName, 'Read the old passphrase and')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;keychain;migrate' {
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be moved')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;rbac' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'A namespace to allow it in')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'A namespace to allow it in')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'As for `sync -l`')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'As for `sync -l`')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'As for `sync -f`')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'As for `sync -f`')
            [CompletionResult]::new('--deployment', '--deployment', [CompletionResultType]::ParameterName, 'The deployment that the spec.yml is for')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The context')
            [CompletionResult]::new('--secret', '--secret', [CompletionResultType]::ParameterName, 'The Secret''s name')
            [CompletionResult]::new('--attach', '--attach', [CompletionResultType]::ParameterName, 'Attaching the Secret to this ServiceAccount')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'As for `sync --restart --wait`')
            [CompletionResult]::new('--api-group', '--api-group', [CompletionResultType]::ParameterName, 'A group of custom resources to read')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Allow it to this user')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Allow it to this group')
            [CompletionResult]::new('--serviceaccount', '--serviceaccount', [CompletionResultType]::ParameterName, 'Allow it to this ServiceAccount')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'As for `sync -A`')
            [CompletionResult]::new('--all-namespaces', '--all-namespaces', [CompletionResultType]::ParameterName, 'As for `sync -A`')
            [CompletionResult]::new('--detach', '--detach', [CompletionResultType]::ParameterName, 'As for `sync --detach`')
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'As for `sync --remove`')
            [CompletionResult]::new('--restart', '--restart', [CompletionResultType]::ParameterName, 'As for `sync --restart` and `rotate --restart`')
            [CompletionResult]::new('--unstick', '--unstick', [CompletionResultType]::ParameterName, 'As for `sync --unstick` and `rotate --unstick`')
            [CompletionResult]::new('--rotate', '--rotate', [CompletionResultType]::ParameterName, 'For `rotate`')
            [CompletionResult]::new('--keep-old', '--keep-old', [CompletionResultType]::ParameterName, 'As for `rotate --keep-old`')
            [CompletionResult]::new('--status', '--status', [CompletionResultType]::ParameterName, 'For `status`')
            [CompletionResult]::new('--images', '--images', [CompletionResultType]::ParameterName, 'For `images`')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;completion' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('install', 'install', [CompletionResultType]::ParameterValue, 'Let kubectl complete `kubectl regcred`')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show whether kubectl completes `kubectl regcred`, and if not, why')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Undo `completion install`')
            [CompletionResult]::new('bash', 'bash', [CompletionResultType]::ParameterValue, 'Print the bash script for completing kubectl-regcred itself')
            [CompletionResult]::new('zsh', 'zsh', [CompletionResultType]::ParameterValue, 'Print the zsh script for completing kubectl-regcred itself')
            [CompletionResult]::new('fish', 'fish', [CompletionResultType]::ParameterValue, 'Print the fish script for completing kubectl-regcred itself')
            [CompletionResult]::new('powershell', 'powershell', [CompletionResultType]::ParameterValue, 'Print the PowerShell script for completing kubectl-regcred itself')
            break
        }
        'kubectl-regcred;completion;install' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;completion;status' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;completion;remove' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;completion;bash' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;completion;zsh' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;completion;fish' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;completion;powershell' {
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-regcred;version' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Print a document instead of a line')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print a document instead of a line')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more on stderr, never a token')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
