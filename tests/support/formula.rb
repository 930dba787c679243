# Installs by a Homebrew formula, with a double of Homebrew's class: what the formula calls and this does not know is an
# error, and so is a sum that is not the archive's.
# Usage: ruby formula.rb FORMULA macos|linux arm|intel DIST PREFIX   DIST holds the archives, PREFIX is installed to
require "digest"
require "fileutils"
require "pathname"
require "tmpdir"

FORMULA, SYSTEM, PROCESSOR, DIST, PREFIX = ARGV

# A folder that something is installed in.
class Folder
  def initialize(path)
    @path = path
  end

  def install(*sources)
    sources.flatten.each do |source|
      pairs = source.is_a?(Hash) ? source : { source => File.basename(source) }
      pairs.each do |from, name|
        FileUtils.mkdir_p(@path)
        FileUtils.cp_r(from, File.join(@path, name), preserve: true)
      end
    end
  end

  def install_symlink(pairs)
    pairs.each { |target, name| File.symlink(target, File.join(@path, name)) }
  end
end

class Formula
  class << self
    attr_reader :facts

    def inherited(formula)
      super
      formula.instance_variable_set(:@facts, {})
    end

    %i[desc homepage license version url sha256].each do |name|
      define_method(name) do |value|
        raise "#{name} is set twice for #{SYSTEM} #{PROCESSOR}" if @facts.key?(name)

        @facts[name] = value
      end
    end

    { on_macos: "macos", on_linux: "linux", on_arm: "arm", on_intel: "intel" }.each do |name, value|
      define_method(name) { |&block| block.call if [SYSTEM, PROCESSOR].include?(value) }
    end

    def test(&block)
      raise "there is no test" unless block
    end
  end

  {
    bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d",
    zsh_completion: "share/zsh/site-functions", fish_completion: "share/fish/vendor_completions.d",
    doc: "share/doc/regcred"
  }.each { |name, folder| define_method(name) { Folder.new(File.join(PREFIX, folder)) } }
end

load FORMULA
facts = Regcred.facts
raise "something is missing: #{facts}" unless facts.keys.sort == %i[desc homepage license sha256 url version]

archive = File.join(DIST, File.basename(facts[:url]))
raise "#{archive} has another sum" unless Digest::SHA256.file(archive).hexdigest == facts[:sha256]

Dir.mktmpdir do |work|
  system("tar", "-xzf", archive, "-C", work, exception: true)
  Dir.chdir(work) { Regcred.new.install }
end
puts facts[:url], Regcred.new.caveats
