# The dispatcher as a container. Build: docker build -f dispatcher.Dockerfile -t dispatcher .
FROM node:24-slim
RUN npm install --global @durable-workflow/carrier-cli && npm cache clean --force \
    && install -d -o node -g node /data
USER node
EXPOSE 9090
# No npm in between: it would not pass SIGTERM on. The health port is for the kubelet and Prometheus, not for the world.
ENTRYPOINT ["dw-carrier", "dispatch", "--json", "--health-host", "0.0.0.0", "--health-port", "9090"]
CMD ["--config", "/etc/dispatcher/executor.json"]
