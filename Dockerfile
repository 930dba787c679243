# The image of kubectl-regcred for a CronJob: the static program, certificate authorities, and nothing else.
# docs/ci.md says how to build it. The folder given to the builder holds kubectl-regcred, from a release's archive for
# Linux, and ca-certificates.crt, the authorities that registries' certificates are checked with.
FROM scratch
COPY kubectl-regcred /bin/kubectl-regcred
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PATH=/bin
USER 65532:65532
ENTRYPOINT ["kubectl-regcred"]
